import type { Entry } from './history.ts';

/** For how long a person was a member of one life of its session, as it could know. Unix times, ms. */
export interface Stay {
  readonly connectionId: string;
  readonly from: number;
  /** Infinity: to the end of the history. */
  to: number;
}

/** The stays of one person, from its own entries: a crash with policy `rebuild` ends one, the rebuild begins another. */
export function staysOf(entries: readonly Entry[]): Stay[] {
  const stays: Stay[] = [];
  for (const entry of entries) {
    const last = stays.at(-1);
    if (entry.what === 'joined' || entry.what === 'rebuilt') {
      if (last && last.to === Number.POSITIVE_INFINITY) last.to = entry.at;
      stays.push({ connectionId: entry.connectionId, from: entry.at, to: Number.POSITIVE_INFINITY });
    } else if (entry.what === 'leaving' || entry.what === 'destroyed' || entry.what === 'disconnected') {
      if (last) last.to = Math.min(last.to, entry.at);
    }
  }
  return stays;
}

/** When a person went for good, of its own will or not; Infinity for one who is there at the end. */
export function goneAt(entries: readonly Entry[]): number {
  const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
  return end?.at ?? Number.POSITIVE_INFINITY;
}
