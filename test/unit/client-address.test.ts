import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cleanUserAgent,
  clientAddress,
  countedAs,
  forwardingChain,
  isAddressRange,
  TrustedProxies,
} from '../../src/server/shared/client-address.ts';

function from(remoteAddress: string, forwarded?: string) {
  return { socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } };
}

test('the address of a client is the first untrusted one, from the right', () => {
  const trusted = new TrustedProxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
  const cases: readonly (readonly [client: string, peer: string, forwarded?: string])[] = [
    ['203.0.113.1', '203.0.113.1'],
    ['203.0.113.1', '203.0.113.1', '198.51.100.1'],
    ['203.0.113.1', '127.0.0.1', '203.0.113.1'],
    ['203.0.113.1', '::ffff:127.0.0.1', '198.51.100.1, 203.0.113.1'],
    ['203.0.113.1', '127.0.0.1', '198.51.100.1,203.0.113.1 , 10.1.2.3'],
    ['203.0.113.1', '127.0.0.1', '::ffff:203.0.113.1'],
    ['2001:db8::1', 'fd00::1', '2001:db8::1, fd12::1'],
    ['127.0.0.1', '127.0.0.1', '203.0.113.1, <script>'],
    ['127.0.0.1', '127.0.0.1', '203.0.113.1:4000'],
    ['127.0.0.1', '127.0.0.1', ''],
    ['10.0.0.9', '127.0.0.1', '10.0.0.9'],
  ];
  for (const [client, peer, forwarded] of cases) {
    assert.equal(clientAddress(from(peer, forwarded), trusted), client, `${peer} ${forwarded}`);
  }
  assert.deepEqual(forwardingChain(from('127.0.0.1', '198.51.100.1, 203.0.113.1, 10.1.2.3'), trusted), [
    '203.0.113.1',
    '10.1.2.3',
    '127.0.0.1',
  ]);
});

test('by default only this machine is trusted, and with an empty list no address', () => {
  assert.equal(clientAddress(from('::1', '203.0.113.1'), new TrustedProxies()), '203.0.113.1');
  assert.equal(clientAddress(from('10.0.0.1', '203.0.113.1'), new TrustedProxies()), '10.0.0.1');
  assert.equal(clientAddress(from('127.0.0.1', '203.0.113.1'), new TrustedProxies([])), '127.0.0.1');
});

test('addresses and ranges', () => {
  for (const good of ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '2001:db8::/128']) {
    assert.ok(isAddressRange(good), good);
  }
  for (const bad of ['', 'localhost', '10.0.0', '10.0.0.1/33', '10.0.0.1/', '::/129', '10.0.0.1/8/8', '10.0.0.1/-1']) {
    assert.ok(!isAddressRange(bad), bad);
  }
});

test('an IPv6 network counts as one address', () => {
  assert.equal(countedAs('203.0.113.1'), '203.0.113.1');
  assert.equal(countedAs('2001:db8:1:2::1'), countedAs('2001:db8:1:2:ffff:ffff:ffff:ffff'));
  assert.notEqual(countedAs('2001:db8:1:2::1'), countedAs('2001:db8:1:3::1'));
  assert.equal(countedAs('fe80::1%eth0'), countedAs('fe80::2%eth0'));
  assert.equal(countedAs('no address'), 'no address');
});

test('a user agent is short, and on one line', () => {
  assert.equal(cleanUserAgent('Mozilla/5.0 (X11; Linux x86_64)'), 'Mozilla/5.0 (X11; Linux x86_64)');
  assert.equal(cleanUserAgent('a\r\nb\u0000\u0085\u202ec'), 'abc');
  assert.equal(cleanUserAgent('x'.repeat(10_000)).length, 256);
  for (const nothing of [undefined, '', ' \t']) assert.equal(cleanUserAgent(nothing), 'unknown');
});
