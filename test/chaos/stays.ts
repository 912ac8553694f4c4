import type { Entry } from './history.ts';

/** A participant's membership of one life of its session, as it can know. Unix times, ms. */
export interface Stay {
  readonly connectionId: string;
  readonly from: number;
  /** Infinity: until the end of the history. */
  to: number;
  /** Messages sent before this time that all others received have arrived here as well. */
  hasAllTo: number;
}

/** Both ends notice a lost connection, and missed messages arrive, within this time, ms. */
const SETTLED_MS = 5_000;

/**
 * The stays of one participant, from its own entries: a crash with policy `rebuild` ends one, and the rebuild begins
 * another. Kept messages arrive in order after its return. A participant who does not return, or leaves again at
 * once, has at least two kinds of messages: those from before its newest received one, and those from before its
 * absence.
 * @param sentAt when a message was sent
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
        // Messages just before the rebuild event may belong to the new connection, so they prove nothing about the
        // old one.
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

/** When a participant left for good, voluntarily or not; Infinity if still present at the end. */
export function goneAt(entries: readonly Entry[]): number {
  const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
  return end?.at ?? Number.POSITIVE_INFINITY;
}
