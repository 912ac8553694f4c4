import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from '../chaos/nodes.ts';
import { describe, type Parts, type Step, schedule, victims } from '../chaos/schedule.ts';
import { seededRandom } from '../fixtures/random.ts';

const PARTS: Parts = {
  masters: ['master-1', 'master-2', 'master-3'],
  mediaNodes: ['media-1', 'media-2', 'media-3'],
  balancer: 'balancer-1',
  losesPackets: true,
};

function steps(seed: number, count: number): Step[] {
  const endless = schedule(seededRandom(seed), PARTS);
  return Array.from({ length: count }, () => endless.next().value);
}

test('the same seed yields the same faults, another seed others', () => {
  assert.deepEqual(steps(7, 500), steps(7, 500));
  assert.notDeepEqual(steps(7, 20), steps(8, 20));
});

test('every kind of fault occurs, at times and for durations within limits', () => {
  const all = steps(1, 3_000);
  const kinds = new Set(all.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  const expected = [
    'cut',
    'drain',
    'drop',
    'freeze',
    'freezeWorker',
    'kill',
    'killMasters',
    'killWorker',
    'lossy',
    'lossyMedia',
    'slow',
    'stall',
  ];
  assert.deepEqual([...kinds].sort(), expected);
  for (const { pauseMs, faults } of all) {
    assert.ok(pauseMs >= 300 && pauseMs <= 5_500, `${pauseMs}`);
    assert.ok(faults.length === 1 || faults.length === 2);
    for (const fault of faults)
      if ('forMs' in fault) assert.ok(fault.forMs >= 500 && fault.forMs <= 7_000, describe(fault));
  }
});

test('without packet loss in the kernel, no step uses it', () => {
  const endless = schedule(seededRandom(5), { ...PARTS, losesPackets: false });
  const kinds = Array.from({ length: 2_000 }, () => endless.next().value).flatMap(({ faults }) =>
    faults.map(({ kind }) => kind),
  );
  assert.ok(!kinds.some((kind) => kind.startsWith('lossy')));
});

test('a kill of all masters has no second fault', () => {
  const all = steps(3, 5_000).filter(({ faults }) => faults.some(({ kind }) => kind === 'killMasters'));
  assert.ok(all.length > 0);
  for (const { faults } of all) assert.equal(faults.length, 1);
});

test('two faults at once do not concern the same process or link, and a link has two ends', () => {
  for (const { faults } of steps(2, 3_000)) {
    const [first, second] = faults;
    for (const fault of faults) if ('from' in fault) assert.notEqual(fault.from, fault.to);
    if (!first || !second) continue;
    assert.deepEqual(
      victims(first).filter((node) => victims(second).includes(node)),
      [],
    );
  }
});

test('metrics are read with and without labels', () => {
  const text = '# HELP x y\nrejoin_media_rooms{node="media-1"} 3\nplain 1.5e3\nwith_more{node="a",kind="b"} 4\n';
  assert.deepEqual(
    [...parseMetrics(text)],
    [
      ['rejoin_media_rooms', 3],
      ['plain', 1_500],
    ],
  );
});
