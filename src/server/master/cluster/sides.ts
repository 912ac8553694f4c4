import type { InstanceId } from '../../shared/identity.ts';
import type { Timing } from '../../shared/timing.ts';
import type { GoodLease } from '../../store/store.ts';

/** Age of a lease, in renewal intervals, up to which its process counts as alive. A verdict of silence takes longer than this. */
const LIVES_WITHIN = 1.8;

/**
 * Whether a master that no node on this side reaches is on a larger side of a partitioned cluster. Both sides reach the store, and the
 * leases there tell which masters are alive.
 *
 * The smaller side takes no sessions from the larger, which takes over those of the smaller. Without this rule, each side would take
 * the other's sessions once; two sides of equal size still do.
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
