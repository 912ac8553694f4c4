import assert from 'node:assert/strict';
import { test } from 'node:test';
import { livesOnLargerSide } from '../../src/server/master/cluster/sides.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { GoodLease } from '../../src/server/store/store.ts';

const TIMING = { leaseMs: 5_000, leaseRenewMs: 1_000 };
const master = (number: number): InstanceId => `master-${number}@1` as InstanceId;

/** By number, how long ago each master renewed its lease, ms. */
function leases(renewed: Readonly<Record<number, number>>): GoodLease[] {
  return Object.entries(renewed).map(([number, ago]) => ({
    id: `master-${number}`,
    instance: master(Number(number)),
    role: 'master',
    url: `http://master-${number}`,
    load: 0,
    goodForMs: TIMING.leaseMs - ago,
  }));
}

const all = leases({ 1: 100, 2: 900, 3: 500 });

test('the smaller side takes nothing from the larger one', () => {
  assert.equal(livesOnLargerSide(master(2), [], all, master(1), TIMING), true);
  assert.equal(livesOnLargerSide(master(3), [], all, master(1), TIMING), true);
});

test('the larger side takes over the sessions of the smaller one', () => {
  assert.equal(livesOnLargerSide(master(1), [master(3)], all, master(2), TIMING), false);
});

test('masters that renew no lease are dead, at any number', () => {
  const silent = leases({ 1: 100, 2: 2_100, 3: 2_600 });
  assert.equal(livesOnLargerSide(master(2), [], silent, master(1), TIMING), false);
  const one = leases({ 1: 100, 2: 2_100, 3: 500, 4: 400 });
  assert.equal(livesOnLargerSide(master(2), [], one, master(1), TIMING), false, 'it is not on the larger side');
});

test('of two masters that do not hear each other, either may take over, because either may have all clients', () => {
  assert.equal(livesOnLargerSide(master(2), [], leases({ 1: 0, 2: 500 }), master(1), TIMING), false);
});

test('media nodes do not count', () => {
  const media = leases({ 2: 300, 4: 300, 5: 300 }).map((lease) => ({
    ...lease,
    role: lease.id === 'master-2' ? ('master' as const) : ('media-node' as const),
  }));
  assert.equal(livesOnLargerSide(master(2), [], media, master(1), TIMING), false);
});
