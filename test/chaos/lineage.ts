import type { Entry, History } from './history.ts';
import { groupByPerson } from './ledger.ts';
import { goneAt } from './stays.ts';

/** A line of a node's log that concerns ownership. */
export interface LogLine {
  readonly node: string;
  readonly pid: number;
  readonly time: string;
  readonly msg: string;
  readonly session?: string;
  readonly epoch?: number;
  readonly owner?: string;
}

const OWNS = new Set(['Created a session.', 'Took over the session.']);
const CARRIES = new Set(['Opened a room.', 'A room has a new owner.']);

/** Epochs with two owners, according to the masters' and media nodes' logs. */
export function twoOwners(lines: readonly LogLine[]): string[] {
  const masters = new Map<string, Set<string>>();
  const seen = new Map<string, Set<string>>();
  for (const { msg, session, epoch, node, pid, owner } of lines) {
    if (session === undefined || epoch === undefined) continue;
    const key = `${session} epoch ${epoch}`;
    if (OWNS.has(msg)) put(masters, key, `${node} ${pid}`);
    if (CARRIES.has(msg) && owner) put(seen, key, owner);
  }
  return [...masters, ...seen].flatMap(([key, owners]) =>
    owners.size > 1 ? [`${key}: ${[...owners].join(', ')}`] : [],
  );
}

/** Contradictory welcomes: a second life of a session that must have one, or a falling epoch. */
export function brokenLineages(history: History): string[] {
  const broken: string[] = [];
  const lives = new Map<string, string>();
  const epochs = new Map<string, { uniqueSessionId: string; epoch: number }>();
  for (const { room, connectionId, uniqueSessionId, epoch } of history.welcomes) {
    const before = epochs.get(connectionId);
    if (before && (before.epoch > epoch || before.uniqueSessionId !== uniqueSessionId)) {
      broken.push(`${connectionId}: ${before.uniqueSessionId} epoch ${before.epoch}, then ${uniqueSessionId} ${epoch}`);
    }
    epochs.set(connectionId, { uniqueSessionId, epoch });
    if (history.rooms.get(room) !== 'takeover') continue;
    const life = lives.get(room) ?? uniqueSessionId;
    if (life !== uniqueSessionId) broken.push(`${room}: ${life}, then ${uniqueSessionId}`);
    lives.set(room, uniqueSessionId);
  }
  return broken;
}

/** False or repeated events about others in takeover sessions. */
export function unexpectedEvents(history: History): string[] {
  const byPerson = groupByPerson(history);
  const goneByConnection = new Map<string, number>();
  for (const entries of byPerson.values()) {
    for (const entry of entries) if (entry.what === 'joined') goneByConnection.set(entry.connectionId, goneAt(entries));
  }
  return [...byPerson].flatMap(([who, entries]) =>
    history.policyOf(who) === 'takeover'
      ? unexpectedTo(entries, goneByConnection).map((what) => `${who}: ${what}`)
      : [],
  );
}

function unexpectedTo(entries: readonly Entry[], goneByConnection: ReadonlyMap<string, number>): string[] {
  const known = new Set<string>();
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.what !== 'saw') continue;
    const { event, subject, at } = entry;
    const clock = new Date(at).toISOString().slice(11, 23);
    if (event.endsWith('Created')) {
      if (known.has(subject)) found.push(`${clock} ${event} of ${subject} again`);
      known.add(subject);
      continue;
    }
    known.delete(subject);
    for (const [connectionId, gone] of goneByConnection) {
      // A stream's id ends with its connection's id. A leaving participant takes its streams along.
      if (subject.endsWith(connectionId) && gone > at)
        found.push(`${clock} ${event} of ${subject}, which has not left`);
    }
  }
  return found;
}

/** Participants whose session ended involuntarily. */
export function castOut(history: History): string[] {
  return [...groupByPerson(history)].flatMap(([who, entries]) => {
    const end = entries.find(({ what }) => what === 'leaving' || what === 'disconnected');
    return end?.what === 'disconnected' ? [`${who}: ${end.reason} at ${new Date(end.at).toISOString()}`] : [];
  });
}

/** Crash events in sessions that must survive crashes. */
export function destroyedTakeovers(history: History): string[] {
  return history.entries.flatMap((entry) =>
    entry.what === 'destroyed' && history.policyOf(entry.who) === 'takeover'
      ? [`${entry.who}: sessionDestroyed at ${new Date(entry.at).toISOString()}`]
      : [],
  );
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set();
  map.set(key, values.add(value));
}
