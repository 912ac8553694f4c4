import type { InstanceId } from '../../shared/identity.ts';
import type { LiveBeat } from '../../shared/live-feed.ts';

export interface LiveTimes {
  readonly startedAt: number;
  readonly heardSince: number;
}

export interface LiveNode {
  readonly instance: InstanceId;
  readonly url: string;
  readonly beat: LiveBeat | undefined;
  /** True when the node has been silent for longer than its beats allow. Prefer other nodes then. */
  readonly isDoubted: boolean;
}

/** A node that is heard, or should be because its lease is valid. */
export interface ListedNode extends LiveNode {
  /** `undefined` unless the node is currently heard. */
  readonly times: LiveTimes | undefined;
}
