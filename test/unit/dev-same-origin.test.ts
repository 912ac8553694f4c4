import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isForeign, isSameOrigin } from '../../src/server/dev/same-origin.ts';

const page = 'localhost:8080';

test('a page of the cluster itself may do harm', () => {
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
  for (const headers of yes) assert.equal(isSameOrigin(headers, 'demo.example.org'), true, JSON.stringify(headers));
});

test('nobody else may', () => {
  const no = [
    {},
    { host: page },
    { host: page, origin: 'null' },
    { host: page, origin: 'http://evil.example' },
    { host: page, origin: 'http://localhost:9999' },
    { host: page, 'sec-fetch-site': 'cross-site' },
    { host: page, 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
    { host: page, 'sec-fetch-site': 'none' },
    // A name that its owner has pointed at this machine.
    { host: 'evil.example:8080', origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' },
    // Such a page can set this header, but not its own origin.
    { host: '127.0.0.1:20000', 'x-forwarded-host': page, origin: 'http://evil.example:8080' },
    { host: page, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    // A page of another port of this machine that asks the server directly.
    { host: '127.0.0.1:20000', origin: 'http://localhost:8080' },
  ];
  for (const headers of no) assert.equal(isSameOrigin(headers, 'demo.example.org'), false, JSON.stringify(headers));
});

test('without a word from the browser, a request is foreign by its host only', () => {
  assert.equal(isForeign({ host: page }, 'demo.example.org'), false);
  assert.equal(isForeign({ host: 'demo.example.org' }, 'demo.example.org'), false);
  for (const host of ['evil.example:8080', 'localhost.evil.example', 'localhost:8080, evil.example', '']) {
    assert.equal(isForeign({ host }, 'demo.example.org'), true, host);
  }
  assert.equal(isForeign({ host: page, origin: 'http://evil.example' }, 'demo.example.org'), true);
  assert.equal(isForeign({ host: page, 'sec-fetch-site': 'cross-site' }, 'demo.example.org'), true);
});
