import type { InstanceId } from '../../shared/identity.ts';
import type { Timing } from '../../shared/timing.ts';
import type { GoodLease } from '../../store/store.ts';

/** In renewals. A process that lives is not later than this; a verdict of silence takes longer. */
const LIVES_WITHIN = 1.8;

/**
 * Whether a master that nobody on this side reaches lives on a side of the cluster that is larger than this one. The store is
 * reached from both sides, and tells by the leases which masters live. The smaller side takes nothing from the larger, which takes
 * over what the smaller owns: without this rule each would take the other's sessions once. Two sides of the same size do so.
 *
 * `heard`: the other masters on this side.
 */
export function livesOnLargerSide(
  about: InstanceId,
  heard: readonly InstanceId[],
  leases: readonly GoodLease[],
  self: InstanceId,
  { leaseMs, leaseRenewMs }: Pick<Timing, 'leaseMs' | 'leaseRenewMs'>,
): boolean {
  const here = new Set([self, ...heard]);
  const there = leases.filter(
    ({ role, instance, goodForMs }) =>
      role === 'master' && !here.has(instance) && leaseMs - goodForMs < LIVES_WITHIN * leaseRenewMs,
  );
  return there.length > here.size && there.some(({ instance }) => instance === about);
}
