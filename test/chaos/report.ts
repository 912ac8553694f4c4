import type { Aftermath } from './aftermath.ts';
import type { Account } from './ledger.ts';
import type { RecoveryCount } from './recoveries.ts';

/** The result of a run. */
export interface Outcome {
  readonly seed: number;
  readonly minutes: number;
  /** Whether the kernel could drop packets. */
  readonly losesPackets: boolean;
  /** By kind and role. */
  readonly faults: Readonly<Record<string, number>>;
  readonly account: Account;
  readonly aftermath: Aftermath;
  /** Joins that were refused or timed out, after which the participant tried again. By code. */
  readonly joinsFailed: Readonly<Record<string, number>>;
  /** Takeover sessions that ended or began anew, and incomplete rebuild sessions. */
  readonly sessionsLost: readonly string[];
  /** Participants that were removed from a session. */
  readonly castOut: readonly string[];
  readonly unexpectedEvents: readonly string[];
  readonly twoOwners: readonly string[];
  readonly brokenLineages: readonly string[];
  /** State that the nodes still hold after all participants have left. */
  readonly leaks: readonly string[];
  readonly pageErrors: readonly string[];
  /** Unexpected answers of the REST API, by request and status. */
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
  /** Longest standstill of the process with the clients, ms: shorter delays are not the cluster's fault. */
  readonly ownStallMs: number;
  /** Runnable processes in the last minute, and cores: other load slows everything down. */
  readonly machine: { readonly load: number; readonly cores: number };
}

/** A requirement, and the evidence against it. */
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
    { what: 'nobody is removed from a session', against: outcome.castOut },
    { what: 'all participants have recovered', against: aftermath.notRecovered },
    { what: 'the servers list no absent participant', against: aftermath.ghosts },
    { what: 'the servers list all present participants', against: aftermath.unknown },
    { what: 'all participants list each other', against: aftermath.wrongViews },
    { what: 'an epoch has one owner', against: outcome.twoOwners },
    { what: 'a connection stays in its life, and its epoch does not go back', against: outcome.brokenLineages },
    { what: 'a takeover causes no event in the session', against: outcome.unexpectedEvents },
    { what: 'every video plays at the end', against: aftermath.still },
    { what: `no picture stands still for longer than ${LONGEST_GAP_MS / 1_000} s`, against: longGaps(outcome) },
    { what: 'no page throws', against: outcome.pageErrors },
    { what: 'nothing remains when all have left', against: outcome.leaks },
  ];
}

const SHOWN = 12;
/**
 * Faults follow each other, so another may hit a recovery; the tile of a participant who does not return stays for 15
 * s. A longer standstill is a failure.
 */
const LONGEST_GAP_MS = 30_000;

function longGaps({ longestVideoGapMs }: Outcome): string[] {
  return Object.entries(longestVideoGapMs).flatMap(([policy, ms]) =>
    ms > LONGEST_GAP_MS ? [`${policy}: ${ms} ms`] : [],
  );
}

/** A report for people. */
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
      `${account.missedByReturning} by participants not yet back after a crash (not lost: their session had ended)`,
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
