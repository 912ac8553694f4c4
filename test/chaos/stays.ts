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

/**
 * The stays of one person, from its own entries: a crash with policy `rebuild` ends one, the rebuild begins another. What is kept
 * for one who is away arrives when it is back, and in order: one who does not come back, is too late, or leaves again at once, has
 * at least all from before the newest that it has got.
 * @param sentAt when a message was said
 */
export function staysOf(entries: readonly Entry[], sentAt: (id: string) => number): Stay[] {
  const stays: Stay[] = [];
  let isDestroyed = false;
  let newest = Number.NEGATIVE_INFINITY;
  for (const entry of entries) {
    const last = stays.at(-1);
    const end = (): void => {
      if (last) last.to = Math.min(last.to, entry.at);
    };
    switch (entry.what) {
      case 'received':
        newest = Math.max(newest, sentAt(entry.id));
        break;
      case 'destroyed':
        isDestroyed = true;
        end();
        break;
      case 'joined':
      case 'rebuilt':
        end();
        if (last) last.hasAllTo = isDestroyed ? last.to : newest;
        stays.push({
          connectionId: entry.connectionId,
          from: entry.at,
          to: Number.POSITIVE_INFINITY,
          hasAllTo: Number.POSITIVE_INFINITY,
        });
        isDestroyed = false;
        newest = Number.NEGATIVE_INFINITY;
        break;
      case 'leaving':
      case 'disconnected':
        end();
        if (last) last.hasAllTo = Math.min(last.hasAllTo, newest);
    }
  }
  return stays;
}

/** When a person went for good, of its own will or not; Infinity for one who is there at the end. */
export function goneAt(entries: readonly Entry[]): number {
  const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
  return end?.at ?? Number.POSITIVE_INFINITY;
}
