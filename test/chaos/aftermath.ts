import { setTimeout as delay } from 'node:timers/promises';
import type { AppServer } from './app-server.ts';
import type { Standing } from './visitor.ts';

const LOOK_MS = 500;

/** Deviations that remain after the faults. */
export interface Aftermath {
  /** Participants that are not in the session. */
  readonly notRecovered: readonly string[];
  /** Connections that the servers list although their participant has left. */
  readonly ghosts: readonly string[];
  /** Present participants that the servers do not list. */
  readonly unknown: readonly string[];
  /** Participants that list the others wrongly. */
  readonly wrongViews: readonly string[];
  /** Pages with a picture that does not move. */
  readonly still: readonly string[];
  /** Time until everything was right, or until the limit, ms. */
  readonly calmMs: number;
}

export interface AftermathParts {
  readonly app: AppServer;
  readonly standings: () => readonly Standing[];
  readonly still: () => Promise<string[]>;
}

/** Checks until nothing deviates, or `patienceMs` is over. */
export async function settle({ app, standings, still }: AftermathParts, patienceMs: number): Promise<Aftermath> {
  const since = performance.now();
  for (;;) {
    const found = { ...(await membership(app, standings())), still: await still() };
    const pending = standings().some((one) => one.pending > 0);
    const calmMs = Math.round(performance.now() - since);
    const wrong = Object.values(found).some((problems) => problems.length > 0);
    if ((!wrong && !pending) || calmMs > patienceMs) return { ...found, calmMs };
    await delay(LOOK_MS);
  }
}

async function membership(
  app: AppServer,
  standings: readonly Standing[],
): Promise<Omit<Aftermath, 'still' | 'calmMs'>> {
  const notRecovered = standings
    .filter(({ state }) => state !== 'joined')
    .map(({ who, state }) => `${who} is ${state}`);
  const ghosts: string[] = [];
  const unknown: string[] = [];
  const wrongViews: string[] = [];
  for (const room of new Set(standings.map((one) => one.room))) {
    const here = standings.filter((one) => one.room === room && one.connectionId !== undefined);
    const there = new Set(here.map(({ connectionId }) => String(connectionId)));
    const listed = await app.members(room);
    if (!listed) unknown.push(`${room}: the servers do not list its members`);
    else {
      for (const id of listed) if (!there.has(id)) ghosts.push(`${id} in ${room}`);
      for (const { who, connectionId } of here) {
        if (!listed.includes(String(connectionId))) unknown.push(`${who} (${connectionId})`);
      }
    }
    for (const { who, connectionId, others } of here) {
      const expected = [...there].filter((id) => id !== connectionId).sort();
      const seen = [...others].sort();
      if (String(seen) !== String(expected)) wrongViews.push(`${who} sees ${difference(seen, expected)}`);
    }
  }
  return { notRecovered, ghosts, unknown, wrongViews };
}

function difference(seen: readonly string[], expected: readonly string[]): string {
  const more = seen.filter((id) => !expected.includes(id)).map((id) => `+${id}`);
  const less = expected.filter((id) => !seen.includes(id)).map((id) => `-${id}`);
  return [...more, ...less].join(' ') || `${seen.length} instead of ${expected.length}`;
}
