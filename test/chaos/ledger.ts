import type { FailoverPolicy } from '../../src/server/store/store.ts';
import type { Entry, History } from './history.ts';
import { goneAt, type Stay, staysOf } from './stays.ts';

/** Maximum difference of the clocks of two processes on one machine, ms. */
const CLOCK_MS = 50;

export interface Account {
  readonly sent: number;
  /** Receptions: each message counts once for each receiver. */
  readonly delivered: number;
  readonly resolved: number;
  /** Rejected promises, by policy and code: `takeover UNAVAILABLE`. Counted, but not lost. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Resolved messages that a participant present throughout did not receive: `id → who`. */
  readonly lost: readonly string[];
  /** Messages that a participant received more than once. */
  readonly duplicated: readonly string[];
  /** Messages that arrived after a later one of the same sender. */
  readonly disordered: readonly string[];
  /** Messages neither resolved nor rejected. */
  readonly unsettled: readonly string[];
  /** The longest time from sending a message to its confirmation, by policy, ms. */
  readonly slowestMs: Readonly<Record<string, number>>;
  /** Resolved messages of rebuilt sessions, counted for participants that had not returned when they were sent. */
  readonly missedByReturning: number;
}

interface Message {
  readonly by: string;
  readonly sentAt: number;
  resolvedAt?: number;
  rejected?: string;
}

/** Follows every message from its sender to all recipients. */
export function account(history: History): Account {
  const byPerson = groupByPerson(history);
  const lives = livesOf(history);
  const messages = messagesOf(history);
  const sentAtOf = (id: string): number => messages.get(id)?.sentAt ?? Number.NEGATIVE_INFINITY;
  const stays = new Map([...byPerson].map(([who, entries]) => [who, staysOf(entries, sentAtOf)]));
  const received = receptions(byPerson);

  const lost: string[] = [];
  let missedByReturning = 0;
  for (const [id, message] of messages) {
    const { by, sentAt, resolvedAt } = message;
    if (resolvedAt === undefined) continue;
    const own = stays.get(by)?.find((stay) => covers(stay, resolvedAt, resolvedAt));
    if (!own) continue;
    const life = lives.get(own.connectionId);
    const since = Math.max(sentAt, own.from);
    for (const who of peopleIn(history, history.roomOf(by))) {
      if (received.get(who)?.has(id)) continue;
      const theirs = stays.get(who) ?? [];
      const margin = who === by ? 0 : CLOCK_MS;
      const there = theirs.some(
        (stay) =>
          lives.get(stay.connectionId) === life &&
          covers(stay, since - margin, resolvedAt + margin) &&
          stay.hasAllTo >= resolvedAt + margin,
      );
      if (there) lost.push(`${id} → ${who}`);
      else if (isReturning(theirs, goneAt(byPerson.get(who) ?? []), since, resolvedAt)) missedByReturning += 1;
    }
  }

  const { duplicated, disordered } = orderOf(byPerson, messages);
  return {
    sent: messages.size,
    delivered: [...received.values()].reduce((sum, ids) => sum + ids.size, 0),
    resolved: [...messages.values()].filter(({ resolvedAt }) => resolvedAt !== undefined).length,
    rejected: rejections(history, messages),
    lost,
    duplicated,
    disordered,
    unsettled: [...messages].filter(([, one]) => !one.rejected && one.resolvedAt === undefined).map(([id]) => id),
    slowestMs: slowest(history, messages),
    missedByReturning,
  };
}

export function groupByPerson(history: History): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>(history.people.map((who) => [who, []]));
  for (const entry of history.entries) groups.get(entry.who)?.push(entry);
  return groups;
}

/** The life of the session to which each connection belongs. */
export function livesOf(history: History): Map<string, string> {
  return new Map(history.welcomes.map(({ connectionId, uniqueSessionId }) => [connectionId, uniqueSessionId]));
}

function covers({ from, to }: Stay, since: number, until: number): boolean {
  return from <= since && to >= until;
}

/** Present before, not gone, and between two lives of the session, or in a life that had ended unnoticed. */
function isReturning(stays: readonly Stay[], gone: number, since: number, until: number): boolean {
  const [first] = stays;
  return first !== undefined && first.from <= since && gone >= until;
}

function peopleIn(history: History, room: string): string[] {
  return history.people.filter((who) => history.roomOf(who) === room);
}

function messagesOf(history: History): Map<string, Message> {
  const messages = new Map<string, Message>();
  for (const entry of history.entries) {
    if (entry.what === 'sent') messages.set(entry.id, { by: entry.who, sentAt: entry.at });
    if (entry.what !== 'resolved' && entry.what !== 'rejected') continue;
    const message = messages.get(entry.id);
    if (!message) throw new Error(`${entry.id} was answered but never sent.`);
    if (entry.what === 'resolved') message.resolvedAt = entry.at;
    else message.rejected = entry.code;
  }
  return messages;
}

function receptions(byPerson: ReadonlyMap<string, readonly Entry[]>): Map<string, Set<string>> {
  return new Map(
    [...byPerson].map(([who, entries]) => [
      who,
      new Set(entries.flatMap((entry) => (entry.what === 'received' ? [entry.id] : []))),
    ]),
  );
}

function rejections(history: History, messages: ReadonlyMap<string, Message>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { by, rejected } of messages.values()) {
    if (rejected === undefined) continue;
    const policy: FailoverPolicy = history.policyOf(by);
    const key = `${policy} ${rejected}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function slowest(history: History, messages: ReadonlyMap<string, Message>): Record<string, number> {
  const longest: Record<string, number> = {};
  for (const { by, sentAt, resolvedAt } of messages.values()) {
    const policy = history.policyOf(by);
    if (resolvedAt !== undefined) longest[policy] = Math.max(longest[policy] ?? 0, Math.round(resolvedAt - sentAt));
  }
  return longest;
}

/** Messages are named `<sender>:<number>`. */
function orderOf(
  byPerson: ReadonlyMap<string, readonly Entry[]>,
  messages: ReadonlyMap<string, Message>,
): { duplicated: string[]; disordered: string[] } {
  const duplicated: string[] = [];
  const disordered: string[] = [];
  for (const [who, entries] of byPerson) {
    const seen = new Set<string>();
    const newest = new Map<string, number>();
    const joinedAt = entries.find(({ what }) => what === 'joined')?.at ?? Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      if (entry.what !== 'received') continue;
      const { id } = entry;
      const at = id.lastIndexOf(':');
      const [sender, number] = [id.slice(0, at), Number(id.slice(at + 1))];
      if (seen.has(id)) duplicated.push(`${id} → ${who}`);
      else if (number < (newest.get(sender) ?? 0)) {
        const late = joinedAt > (messages.get(id)?.sentAt ?? 0) ? ', who joined after it was sent' : '';
        disordered.push(`${id} → ${who}${late}`);
      }
      seen.add(id);
      newest.set(sender, Math.max(number, newest.get(sender) ?? 0));
    }
  }
  return { duplicated, disordered };
}
