import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaAddressOf } from '../../src/server/cli/addresses.ts';
import { privateAddresses } from '../../src/server/dev/lan/lan.ts';
import { mediaAddresses } from '../../src/server/media-node/media-addresses.ts';
import { isLoopback, ownAddresses } from '../../src/server/shared/own-addresses.ts';

function card(...addresses: string[]): { address: string; internal: boolean }[] {
  return addresses.map((address) => ({ address, internal: isLoopback(address) }));
}

const LO = card('127.0.0.1', '::1');
/** Addresses for documentation, which no machine has. */
const NOT_OURS = '203.0.113.7';
const NOT_OURS_6 = '2001:db8::7';

test('a machine is reachable at all its addresses except loopback and link-local ones, IPv4 first', () => {
  assert.deepEqual(ownAddresses({ lo: LO }), []);
  assert.deepEqual(ownAddresses({ lo: LO, eth0: card('fe80::1', '192.168.1.4') }), ['192.168.1.4']);
  assert.deepEqual(ownAddresses({ lo: LO, eth0: card('169.254.3.4', 'febf::1', 'FE80::2') }), []);
  const several = {
    eth0: card('fd00::2', '192.168.1.4'),
    lo: LO,
    tun0: card('10.8.0.2', '192.168.1.4'),
    none: undefined,
    dummy: card('127.0.0.5', '2001:db8::1'),
  };
  assert.deepEqual(ownAddresses(several), ['192.168.1.4', '10.8.0.2', 'fd00::2', '2001:db8::1']);
});

test('phones are served at private addresses only', () => {
  const own = ['203.0.113.4', '10.1.2.3', '172.15.0.1', '172.16.0.1', '172.32.0.1', '192.168.0.1', '100.64.0.1'];
  assert.deepEqual(privateAddresses([...own, '2001:db8::1', 'fd12::1']), [
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    'fd12::1',
  ]);
});

test('media is announced at every usable address, and at loopback for this machine, first', async () => {
  const ips = async (withLoopback: boolean, own: string[]) => {
    const { used, unused } = await mediaAddresses(withLoopback, own);
    return [used.map(({ ip }) => ip), unused];
  };
  // Every address of 127.0.0.0/8 is usable, like those of a network card.
  assert.deepEqual(await ips(true, []), [['127.0.0.1'], []]);
  assert.deepEqual(await ips(false, []), [['127.0.0.1'], []]);
  assert.deepEqual(await ips(true, ['127.0.0.2']), [['127.0.0.1', '127.0.0.2'], []]);
  assert.deepEqual(await ips(false, ['127.0.0.2', '127.0.0.3']), [['127.0.0.2', '127.0.0.3'], []]);
  assert.deepEqual(await ips(false, [NOT_OURS, '127.0.0.2', NOT_OURS_6]), [['127.0.0.2'], [NOT_OURS, NOT_OURS_6]]);
  assert.deepEqual(await ips(false, [NOT_OURS]), [['127.0.0.1'], [NOT_OURS]]);
});

test('only as many addresses are announced as a client can try, and the others are named', async () => {
  const own = Array.from({ length: 12 }, (_, at) => `127.0.1.${at + 1}`);
  const { used, unused } = await mediaAddresses(true, own);
  assert.deepEqual(
    used.map(({ ip }) => ip),
    ['127.0.0.1', ...own.slice(0, 7)],
  );
  assert.deepEqual(unused, own.slice(7));
});

test('a configured address is the only one', () => {
  assert.deepEqual(mediaAddressOf({}), {});
  assert.deepEqual(mediaAddressOf({ listenIp: '10.0.0.4' }), { listenIp: '10.0.0.4' });
  assert.deepEqual(mediaAddressOf({ listenIp: '10.0.0.4', announcedAddress: NOT_OURS }), {
    listenIp: '10.0.0.4',
    announcedAddress: NOT_OURS,
  });
  assert.deepEqual(mediaAddressOf({ announcedAddress: NOT_OURS }), { listenIp: '0.0.0.0', announcedAddress: NOT_OURS });
});
