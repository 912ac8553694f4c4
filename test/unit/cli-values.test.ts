import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/server/cli/usage-error.ts';
import {
  readAddressRange,
  readCount,
  readId,
  readLanAddresses,
  readMilliseconds,
  readOrigin,
  readPlainUrl,
  readPort,
  readPortOfTwo,
  readPortRange,
  readPublicUrl,
  readRoute,
  readSocketOrigin,
  readStaticFiles,
  readStaticPolicy,
  readStore,
} from '../../src/server/cli/values.ts';

function refuses(name: string, read: (text: string) => unknown, ...texts: string[]): void {
  for (const text of texts) {
    assert.throws(
      () => read(text),
      (error) => error instanceof UsageError && error.name === name && error.message.includes(text),
      `${name}: ${text}`,
    );
  }
}

test('ports and ranges', () => {
  assert.deepEqual(['0', '8080', '65535'].map(readPort), [0, 8080, 65_535]);
  refuses('InvalidPort', readPort, '', '65536', '-1', '80x', '8.5', '0x50', ' 80', '99999999999');
  assert.deepEqual(readPortRange('40000-40100'), { min: 40_000, max: 40_100 });
  assert.deepEqual(readPortRange('5-5'), { min: 5, max: 5 });
  refuses('InvalidPortRange', readPortRange, '', '40000', '2-1', '0-5', '1-2-3', '1-65536', 'a-b');
});

test('numbers and times', () => {
  assert.equal(readCount('64'), 64);
  refuses('InvalidCount', readCount, '0', '65', '-1', 'x', '');
  assert.equal(readMilliseconds('250'), 250);
  refuses('InvalidDuration', readMilliseconds, '0', '1s', '86400001', '');
});

test('origins of pages and addresses of proxies', () => {
  assert.equal(readOrigin('https://app.example.org'), 'https://app.example.org');
  assert.equal(readOrigin('http://localhost:3000/'), 'http://localhost:3000');
  refuses(
    'InvalidOrigin',
    readOrigin,
    '',
    '*',
    'null',
    'app.example.org',
    'https://x/path',
    'https://X.org',
    'file:///x',
  );
  assert.equal(readSocketOrigin('null'), 'null');
  assert.equal(readAddressRange('10.0.0.0/8'), '10.0.0.0/8');
  refuses('InvalidAddress', readAddressRange, '', 'proxy', '10.0.0.0/40', '10.0.0');
});

test('URLs are origins', () => {
  assert.equal(readPlainUrl('http://10.0.0.4:4000/'), 'http://10.0.0.4:4000');
  refuses('InvalidUrl', readPlainUrl, '', 'localhost:80', 'ws://x', 'http://x/path', 'http://x/?q', 'http://u@x');
  refuses('InvalidUrl', readPlainUrl, 'https://example.org');
});

test('a public URL may have a path, which a proxy strips', () => {
  for (const [text, url] of [
    ['https://Example.org', 'https://example.org'],
    ['https://example.org/', 'https://example.org'],
    ['https://example.org:8443/video', 'https://example.org:8443/video'],
    ['http://example.org/a/video//', 'http://example.org/a/video'],
  ] as const) {
    assert.equal(readPublicUrl(text), url);
  }
  refuses('InvalidUrl', readPublicUrl, '', 'localhost:80', 'wss://x/video', 'http://x/?q', 'http://x/video#top');
  refuses('InvalidUrl', readPublicUrl, 'http://u@x/video', 'http://:p@x/video');
});

test('names of nodes', () => {
  assert.equal(readId('master-1.eu_west'), 'master-1.eu_west');
  refuses('InvalidId', readId, '', '-a', 'a b', 'a/b', 'a@b', 'a'.repeat(65));
});

test('stores', () => {
  assert.deepEqual(readStore('sqlite:/a/b.sqlite'), { kind: 'sqlite', file: '/a/b.sqlite' });
  assert.deepEqual(readStore('b.sqlite'), { kind: 'sqlite', file: 'b.sqlite' });
  assert.throws(() => readStore('redis://x:6379'), { name: 'UnsupportedStore', message: /"redis"/ });
  refuses('InvalidStore', readStore, '', 'sqlite:');
});

test('routes and directories', () => {
  assert.deepEqual(readRoute('/demo/api=http://127.0.0.1:1234'), { prefix: '/demo/api', url: 'http://127.0.0.1:1234' });
  assert.deepEqual(readRoute('/api/=http://x/'), { prefix: '/api', url: 'http://x' });
  refuses(
    'InvalidRoute',
    readRoute,
    '',
    '/api',
    'api=http://x',
    '=http://x',
    '/a b=http://x',
    '/:id=http://x',
    '/*=http://x',
  );
  assert.deepEqual(readStaticFiles('dist/demo'), { prefix: '/', directory: 'dist/demo' });
  assert.deepEqual(readStaticFiles('/srv/demo'), { prefix: '/', directory: '/srv/demo' });
  assert.deepEqual(readStaticFiles('/=dist'), { prefix: '/', directory: 'dist' });
  assert.deepEqual(readStaticFiles('/dist/=a=b'), { prefix: '/dist/', directory: 'a=b' });
  refuses('InvalidStatic', readStaticFiles, '/dist=', '/a b=c');
});

test('policies of directories', () => {
  assert.deepEqual(readStaticPolicy("/=default-src 'self'; img-src *"), {
    prefix: '/',
    policy: "default-src 'self'; img-src *",
  });
  assert.deepEqual(readStaticPolicy('/app/=frame-ancestors https://a.example'), {
    prefix: '/app/',
    policy: 'frame-ancestors https://a.example',
  });
  refuses('InvalidStaticPolicy', readStaticPolicy, '', '/', '/=', "default-src 'self'", 'a=b', '/a b=c', '/=a\nb');
});

test('addresses and ports for phones', () => {
  assert.equal(readLanAddresses('private'), 'private');
  assert.deepEqual(readLanAddresses('192.168.1.4'), ['192.168.1.4']);
  assert.deepEqual(readLanAddresses('192.168.1.4, fd00::4'), ['192.168.1.4', 'fd00::4']);
  refuses('InvalidAddress', readLanAddresses, '', 'desk.local', '192.168.1', '0.0.0.0', '::', '127.0.0.1', '::1');
  assert.equal(readPortOfTwo('65534'), 65_534);
  refuses('InvalidPort', readPortOfTwo, '65535', '65536', 'x');
});
