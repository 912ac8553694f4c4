import type { Entry } from './history.ts';

/** A person's membership of one life of its session, as it could know. Unix times, ms. */
export interface Stay {
  readonly connectionId: string;
  readonly from: number;
  /** Infinity: to the end of the history. */
  to: number;
  /** What was said up to then, and arrived at all the others, has arrived here as well. */
  hasAllTo: number;
}

/** A connection that is gone is noticed within so long by both of its ends, and what has been missed arrives within so long, ms. */
const SETTLED_MS = 5_000;

/**
 * The stays of one person, from its own entries: a crash with policy `rebuild` ends one, the rebuild begins another. What is kept
 * for one who is away arrives when it is back, in order. One who does not come back, or leaves again at once, has at least all
 * from before the newest that it has got, and from before it was away.
 * @param sentAt when a message was said
 */
export function staysOf(entries: readonly Entry[], sentAt: (id: string) => number): Stay[] {
  const stays: Stay[] = [];
  let isDestroyed = false;
  let newest = Number.NEGATIVE_INFINITY;
  let absence: { readonly from: number; to: number } | undefined;
  for (const entry of entries) {
    const last = stays.at(-1);
    const end = (): void => {
      if (last) last.to = Math.min(last.to, entry.at);
    };
    const connectedTo = (): number => {
      const isSettled = !absence || entry.at - absence.to > SETTLED_MS;
      return (isSettled ? entry.at : (absence?.from ?? entry.at)) - SETTLED_MS;
    };
    switch (entry.what) {
      case 'received':
        newest = Math.max(newest, sentAt(entry.id));
        break;
      case 'reconnecting':
        if (entry.plane === 'signaling' && absence?.to !== Number.POSITIVE_INFINITY) {
          absence = { from: entry.at, to: Number.POSITIVE_INFINITY };
        }
        break;
      case 'reconnected':
        if (entry.kind === 'resume' && absence) absence.to = entry.at;
        break;
      case 'destroyed':
        isDestroyed = true;
        end();
        break;
      case 'joined':
      case 'rebuilt':
        end();
        // What it gets just before it is told of its new place may belong to that one: it tells nothing of the old.
        if (last) last.hasAllTo = isDestroyed ? last.to : connectedTo();
        stays.push({
          connectionId: entry.connectionId,
          from: entry.at,
          to: Number.POSITIVE_INFINITY,
          hasAllTo: Number.POSITIVE_INFINITY,
        });
        isDestroyed = false;
        newest = Number.NEGATIVE_INFINITY;
        absence = undefined;
        break;
      case 'leaving':
      case 'disconnected':
        end();
        if (last) last.hasAllTo = Math.min(last.hasAllTo, Math.max(newest, connectedTo()));
    }
  }
  return stays;
}

/** When a person went for good, of its own will or not; Infinity for one who is there at the end. */
export function goneAt(entries: readonly Entry[]): number {
  const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
  return end?.at ?? Number.POSITIVE_INFINITY;
}
