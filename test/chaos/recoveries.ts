import type { Entry, History } from './history.ts';
import { groupByPerson } from './ledger.ts';

export interface RecoveryCount {
  readonly times: number;
  /** ms. */
  readonly longest: number;
  /** The participant with the longest one. */
  readonly who: string;
}

/** Number of recoveries, and the longest, by kind: `takeover resume`, `rebuild rebuild` … */
export function recoveries(history: History): Record<string, RecoveryCount> {
  const found: Record<string, RecoveryCount> = {};
  for (const [who, entries] of groupByPerson(history)) {
    for (const { kind, ms } of recoveriesOf(entries)) {
      const key = `${history.policyOf(who)} ${kind}`;
      const before = found[key] ?? { times: 0, longest: 0, who };
      found[key] = {
        times: before.times + 1,
        longest: Math.max(before.longest, Math.round(ms)),
        who: ms > before.longest ? who : before.who,
      };
    }
  }
  return found;
}

/** From the first event of a failure to its end. */
function recoveriesOf(entries: readonly Entry[]): { kind: string; ms: number }[] {
  const found: { kind: string; ms: number }[] = [];
  const since: { signaling?: number; media?: number; destroyed?: number } = {};
  for (const entry of entries) {
    switch (entry.what) {
      case 'reconnecting':
        since[entry.plane] ??= entry.at;
        break;
      case 'reconnected': {
        const plane = entry.kind === 'mediaMoved' ? 'media' : 'signaling';
        const from = since[plane];
        if (from !== undefined) found.push({ kind: entry.kind, ms: entry.at - from });
        delete since[plane];
        break;
      }
      case 'destroyed':
        since.destroyed ??= entry.at;
        break;
      case 'rebuilt':
        if (since.destroyed !== undefined) found.push({ kind: 'rebuild', ms: entry.at - since.destroyed });
        delete since.destroyed;
        delete since.signaling;
        delete since.media;
        break;
      default:
        break;
    }
  }
  return found;
}
