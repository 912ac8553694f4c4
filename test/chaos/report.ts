import type { Aftermath } from './aftermath.ts';
import type { Account } from './ledger.ts';
import type { RecoveryCount } from './recoveries.ts';

/** What came of a run. */
export interface Outcome {
  readonly seed: number;
  readonly minutes: number;
  /** Whether the kernel could be made to lose packets. */
  readonly losesPackets: boolean;
  /** By kind and role. */
  readonly faults: Readonly<Record<string, number>>;
  readonly account: Account;
  readonly aftermath: Aftermath;
  /** Joins that were refused or not answered in time; the person tried again. By code. */
  readonly joinsFailed: Readonly<Record<string, number>>;
  /** A takeover session that has ended or begun anew, a rebuild session that is not whole. */
  readonly sessionsLost: readonly string[];
  /** People who were put out of a session. */
  readonly castOut: readonly string[];
  readonly unexpectedEvents: readonly string[];
  readonly twoOwners: readonly string[];
  readonly brokenLineages: readonly string[];
  /** What nodes hold when everyone has left. */
  readonly leaks: readonly string[];
  readonly pageErrors: readonly string[];
  /** Answers of the REST API other than expected, by request and status. */
  readonly restSurprises: Readonly<Record<string, number>>;
  /** `exception` events, by name. */
  readonly exceptions: Readonly<Record<string, number>>;
  readonly recoveries: Readonly<Record<string, RecoveryCount>>;
  /** By policy, ms. */
  readonly longestVideoGapMs: Readonly<Record<string, number>>;
  /** Resident memory by node at the beginning and at the end, MB. */
  readonly memory: {
    readonly before: Readonly<Record<string, number>>;
    readonly after: Readonly<Record<string, number>>;
  };
  /** For how long the process that runs the clients stood still at most, ms: no cluster can be blamed for less. */
  readonly ownStallMs: number;
  /** Processes that wanted to run in the last minute, on how many cores: where others work as well, all takes longer. */
  readonly machine: { readonly load: number; readonly cores: number };
}

/** Something that must hold, and what speaks against it. */
export interface Verdict {
  readonly what: string;
  readonly against: readonly string[];
}

export function verdicts(outcome: Outcome): Verdict[] {
  const { account, aftermath } = outcome;
  return [
    { what: 'no message is lost', against: account.lost },
    { what: 'no message arrives twice', against: account.duplicated },
    { what: 'the messages of a sender arrive in their order', against: account.disordered },
    { what: 'every promise of a message settles', against: account.unsettled },
    { what: 'no session is lost', against: outcome.sessionsLost },
    { what: 'nobody is put out of a session', against: outcome.castOut },
    { what: 'everyone has recovered', against: aftermath.notRecovered },
    { what: 'the servers count nobody in who is not there', against: aftermath.ghosts },
    { what: 'the servers count everyone in who is there', against: aftermath.unknown },
    { what: 'everyone sees who is there', against: aftermath.wrongViews },
    { what: 'an epoch has one owner', against: outcome.twoOwners },
    { what: 'a connection stays in its life, and its epoch does not go back', against: outcome.brokenLineages },
    { what: 'a takeover is not told to those in the session', against: outcome.unexpectedEvents },
    { what: 'every video plays at the end', against: aftermath.still },
    { what: `no picture stands still for longer than ${LONGEST_GAP_MS / 1_000} s`, against: longGaps(outcome) },
    { what: 'no page throws', against: outcome.pageErrors },
    { what: 'nothing is left when everyone has gone', against: outcome.leaks },
  ];
}

const SHOWN = 12;
/**
 * Faults follow each other, and what recovers from one may be hit by the next; the tile of somebody who does not come back
 * stays for 15 s. What is longer has been forgotten.
 */
const LONGEST_GAP_MS = 30_000;

function longGaps({ longestVideoGapMs }: Outcome): string[] {
  return Object.entries(longestVideoGapMs).flatMap(([policy, ms]) =>
    ms > LONGEST_GAP_MS ? [`${policy}: ${ms} ms`] : [],
  );
}

/** For people to read. */
export function describeOutcome(outcome: Outcome): string {
  const { account, aftermath } = outcome;
  const lines = [
    '',
    `Chaos of ${outcome.minutes} min, seed ${outcome.seed}`,
    row('faults', counts(outcome.faults)),
    row('messages', `${account.sent} sent, ${account.resolved} resolved, ${account.delivered} deliveries`),
    row(
      '',
      `${account.duplicated.length} duplicated, ${account.lost.length} lost, ${account.unsettled.length} unsettled`,
    ),
    row('slowest answer', gaps(account.slowestMs)),
    row('rejected', counts(account.rejected)),
    row(
      'missed',
      `${account.missedByReturning} by those who were not back after a crash (not lost: their session was over)`,
    ),
    row('sessions lost', `${outcome.sessionsLost.length}`),
    row('not recovered', `${aftermath.notRecovered.length + outcome.castOut.length}`),
    row('joins failed', counts(outcome.joinsFailed)),
    row('REST', counts(outcome.restSurprises)),
    row('exceptions', counts(outcome.exceptions)),
    row('recoveries', recoveryText(outcome.recoveries)),
    row('video gaps', gaps(outcome.longestVideoGapMs)),
    row('calm after', `${aftermath.calmMs} ms`),
    row('memory, MB', memoryText(outcome.memory)),
    row('own stall', `${outcome.ownStallMs} ms; load ${outcome.machine.load} on ${outcome.machine.cores} cores`),
    '',
  ];
  for (const { what, against } of verdicts(outcome)) {
    lines.push(`${against.length === 0 ? 'holds ' : 'BROKEN'} ${what}`);
    for (const one of against.slice(0, SHOWN)) lines.push(`         ${one}`);
    if (against.length > SHOWN) lines.push(`         … and ${against.length - SHOWN} more`);
  }
  return lines.join('\n');
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(15)}${text}`;
}

function counts(of: Readonly<Record<string, number>>): string {
  const parts = Object.entries(of)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  return parts.join(', ') || 'none';
}

function gaps(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([policy, ms]) => `${policy} ${ms} ms`)
    .join(', ');
}

function recoveryText(of: Outcome['recoveries']): string {
  const parts = Object.entries(of).map(
    ([kind, { times, longest, who }]) => `${kind} ${times}×, longest ${longest} ms (${who})`,
  );
  return parts.join('\n'.padEnd(18)) || 'none';
}

function memoryText({ before, after }: Outcome['memory']): string {
  return Object.entries(after)
    .map(([node, megabytes]) => `${node} ${before[node] ?? '?'}→${megabytes}`)
    .join(', ');
}
