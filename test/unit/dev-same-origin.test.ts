import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isForeign, isSameOrigin, ownHostsAt, ownHostsOf } from '../../src/server/dev/same-origin.ts';

const page = 'localhost:8080';
const ours = ownHostsOf('demo.example.org');

test('a page of the cluster itself is accepted', () => {
  const yes = [
    { host: page, origin: 'http://localhost:8080' },
    { host: page, 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1:20000', 'x-forwarded-host': page, origin: 'http://localhost:8080' },
    { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' },
    { host: '[::1]:8080', origin: 'http://[::1]:8080' },
    { host: '10.0.0.4:8080', 'sec-fetch-site': 'same-origin' },
    { host: `${hostname()}:8080`, 'sec-fetch-site': 'same-origin' },
    { host: 'demo.example.org', origin: 'https://demo.example.org' },
  ];
  for (const headers of yes) assert.equal(isSameOrigin(headers, ours), true, JSON.stringify(headers));
});

test('no other page is accepted', () => {
  const no = [
    {},
    { host: page },
    { host: page, origin: 'null' },
    { host: page, origin: 'http://evil.example' },
    { host: page, origin: 'http://localhost:9999' },
    { host: page, 'sec-fetch-site': 'cross-site' },
    { host: page, 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
    { host: page, 'sec-fetch-site': 'none' },
    // A foreign name that points to this machine.
    { host: 'evil.example:8080', origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' },
    // Such a page can set this header, but not its own origin.
    { host: '127.0.0.1:20000', 'x-forwarded-host': page, origin: 'http://evil.example:8080' },
    { host: page, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    // A page of another port of this machine that calls the server directly.
    { host: '127.0.0.1:20000', origin: 'http://localhost:8080' },
  ];
  for (const headers of no) assert.equal(isSameOrigin(headers, ours), false, JSON.stringify(headers));
});

test("without the browser's headers, only the host decides whether a request is foreign", () => {
  assert.equal(isForeign({ host: page }, ours), false);
  assert.equal(isForeign({ host: 'demo.example.org' }, ours), false);
  for (const host of ['evil.example:8080', 'localhost.evil.example', 'localhost:8080, evil.example', '']) {
    assert.equal(isForeign({ host }, ours), true, host);
  }
  assert.equal(isForeign({ host: page, origin: 'http://evil.example' }, ours), true);
  assert.equal(isForeign({ host: page, 'sec-fetch-site': 'cross-site' }, ours), true);
});

test('for phones, only their names and addresses are accepted, each with the right port', () => {
  const phones = ownHostsAt(['https://192.168.1.4:8443', 'https://[fd00::4]:8443', 'https://desk.local:8443']);
  for (const host of ['192.168.1.4:8443', '[fd00::4]:8443', 'desk.local:8443', 'DESK.local:8443', '[FD00:0::4]:8443']) {
    assert.equal(isForeign({ host }, phones), false, host);
    const own = new URL(`https://${host}`);
    if (own.host === host) assert.equal(isSameOrigin({ host, origin: own.origin }, phones), true, host);
  }
  for (const host of [
    'localhost:8443',
    '127.0.0.1:8443',
    '192.168.1.5:8443',
    '203.0.113.4:8443',
    '192.168.1.4',
    '192.168.1.4:8080',
    'desk:8443',
    'evil.example:8443',
    '192.168.1.4.evil.example:8443',
    '',
  ]) {
    assert.equal(isSameOrigin({ host, 'sec-fetch-site': 'same-origin' }, phones), false, host);
    assert.equal(isForeign({ host }, phones), true, host);
  }
  assert.equal(isSameOrigin({ host: '192.168.1.4:8443', origin: 'https://desk.local:8443' }, phones), false);
  const port443 = ownHostsAt(['https://192.168.1.4']);
  assert.equal(isSameOrigin({ host: '192.168.1.4', origin: 'https://192.168.1.4' }, port443), true);
});
