import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NetworkStats, qualityOf } from '../../src/client/media/network-quality.ts';
import { TransportStats, worstOf } from '../../src/client/media/transport-stats.ts';
import type { NetworkQuality } from '../../src/protocol/model.ts';

const LEVELS: readonly (readonly [what: string, Omit<NetworkStats, 'connected'>, NetworkQuality])[] = [
  ['nothing known', {}, 5],
  ['an office', { rttMs: 20, loss: 0, jitterMs: 3, bitrate: 2_000_000 }, 5],
  ['the limit of excellent', { rttMs: 150, loss: 0.01, jitterMs: 30, bitrate: 400_000 }, 5],
  ['a little too far away', { rttMs: 151 }, 4],
  ['a little loss', { rttMs: 20, loss: 0.02 }, 4],
  ['uneven', { jitterMs: 60 }, 3],
  ['another continent', { rttMs: 300, loss: 0 }, 3],
  ['narrow', { rttMs: 30, bitrate: 200_000 }, 3],
  ['lossy', { rttMs: 30, loss: 0.1 }, 2],
  ['a satellite', { rttMs: 650 }, 2],
  ['hardly anything', { rttMs: 30, bitrate: 50_000 }, 1],
  ['a third is lost', { loss: 0.33 }, 1],
  ['one bad thing is enough', { rttMs: 10, loss: 0, jitterMs: 200, bitrate: 2_000_000 }, 1],
];

for (const [what, stats, level] of LEVELS) {
  test(`${what}: ${level}`, () => assert.equal(qualityOf({ connected: true, ...stats }, undefined), level));
}

test('without a path it is broken, with any measurements', () => {
  assert.equal(qualityOf({ connected: false, rttMs: 10, loss: 0 }, 5), 0);
});

test('a value that wavers between two levels stays at the lower one', () => {
  const story: [number, NetworkQuality][] = [
    [140, 5],
    [160, 4],
    [140, 4],
    [121, 4],
    [119, 5],
    [149, 5],
    [450, 2],
    [390, 2],
    [310, 3],
    [100, 5],
  ];
  let level: NetworkQuality | undefined;
  for (const [rttMs, expected] of story) {
    level = qualityOf({ connected: true, rttMs }, level);
    assert.equal(level, expected, `${rttMs} ms`);
  }
  assert.equal(qualityOf({ connected: true, bitrate: 420_000 }, 4), 4);
  assert.equal(qualityOf({ connected: true, bitrate: 501_000 }, 4), 5);
  // A new path is judged without history.
  assert.equal(qualityOf({ connected: true, rttMs: 140 }, 0), 5);
});

const sending = (sent: number, lost: number, more: object = {}) => [
  { type: 'outbound-rtp', kind: 'video', packetsSent: sent - 100 },
  { type: 'outbound-rtp', kind: 'audio', packetsSent: 100 },
  { type: 'remote-inbound-rtp', kind: 'video', packetsLost: lost, roundTripTime: 0.08 },
  { type: 'candidate-pair', nominated: false, state: 'succeeded', currentRoundTripTime: 9 },
  { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.05, ...more },
];

test('only changes since the last measurement count', () => {
  const stats = new TransportStats();
  const first = stats.read(true, sending(1_100, 100, { availableOutgoingBitrate: 700_000 }));
  assert.deepEqual(first, { connected: true, rttMs: 80, loss: 100 / 1_100, jitterMs: undefined, bitrate: 700_000 });
  assert.equal(stats.read(true, sending(2_100, 105)).loss, 5 / 1_000);
  // The other side may count late packets as lost.
  assert.equal(stats.read(true, sending(3_100, 100)).loss, 0);
});

test('received media: loss of all, jitter of audio', () => {
  const stats = new TransportStats();
  const receiving = (received: number, lost: number) => [
    { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, jitter: 0.012 },
    { type: 'inbound-rtp', kind: 'video', packetsReceived: received, packetsLost: 0, jitter: 0.4 },
  ];
  stats.read(true, receiving(500, 10));
  const { loss, jitterMs } = stats.read(true, receiving(590, 30));
  assert.equal(loss, 20 / 200);
  assert.equal(jitterMs, 12);
});

test('without media nothing is known; the end of a stream is not a loss', () => {
  const stats = new TransportStats();
  stats.read(true, sending(1_100, 300, { availableOutgoingBitrate: 90_000 }));
  const quiet = stats.read(true, sending(1_100, 300, { availableOutgoingBitrate: 90_000 }));
  assert.equal(quiet.loss, undefined);
  assert.equal(quiet.bitrate, undefined);
  assert.equal(stats.read(true, sending(200, 0)).loss, undefined);
});

test('of several transports the worst value of each kind counts', () => {
  assert.deepEqual(
    worstOf([
      { connected: true, rttMs: 20, loss: 0.1, bitrate: 300_000 },
      { connected: true, rttMs: 90, jitterMs: 5 },
      { connected: false, bitrate: 200_000 },
    ]),
    { connected: false, rttMs: 90, loss: 0.1, jitterMs: 5, bitrate: 200_000 },
  );
});
