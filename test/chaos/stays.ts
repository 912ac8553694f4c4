import type { Entry } from './history.ts';

/** For how long a person was a member of one life of its session, as it could know. Unix times, ms. */
export interface Stay {
  readonly connectionId: string;
  readonly from: number;
  /** Infinity: to the end of the history. */
  to: number;
}

/** A connection that is gone is noticed within so long by both of its ends, ms. */
const NOTICED_MS = 5_000;

/**
 * The stays of one person, from its own entries: a crash with policy `rebuild` ends one, the rebuild begins another. What is kept
 * for one who is away arrives when it is back. One who did not come back, or had lost its place by then, has stayed only for as
 * long as it was connected.
 */
export function staysOf(entries: readonly Entry[]): Stay[] {
  const stays: Stay[] = [];
  let away = Number.POSITIVE_INFINITY;
  let isDestroyed = false;
  for (const entry of entries) {
    const last = stays.at(-1);
    const end = (at: number): void => {
      if (last) last.to = Math.min(last.to, at);
    };
    switch (entry.what) {
      case 'reconnecting':
        if (entry.plane === 'signaling') away = Math.min(away, entry.at - NOTICED_MS);
        break;
      case 'reconnected':
        if (entry.kind === 'resume') away = Number.POSITIVE_INFINITY;
        break;
      case 'destroyed':
        isDestroyed = true;
        end(entry.at);
        break;
      case 'joined':
      case 'rebuilt':
        end(isDestroyed ? entry.at : Math.min(entry.at, away));
        stays.push({ connectionId: entry.connectionId, from: entry.at, to: Number.POSITIVE_INFINITY });
        away = Number.POSITIVE_INFINITY;
        isDestroyed = false;
        break;
      case 'leaving':
      case 'disconnected':
        end(Math.min(entry.at, away));
    }
  }
  return stays;
}

/** When a person went for good, of its own will or not; Infinity for one who is there at the end. */
export function goneAt(entries: readonly Entry[]): number {
  const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
  return end?.at ?? Number.POSITIVE_INFINITY;
}
