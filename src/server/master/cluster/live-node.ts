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
  /** It has been silent for longer than its beats allow: something that can go to another node should. */
  readonly isDoubted: boolean;
}

/** A node that is alive, or should be: its lease is good. */
export interface ListedNode extends LiveNode {
  /** Unless it is heard, it has not been yet, or not any more. */
  readonly times: LiveTimes | undefined;
}
