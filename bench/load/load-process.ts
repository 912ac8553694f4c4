/** A process full of clients, started by `LoadProcess`: executes the order in its arguments and answers questions. */
import { Agent, request } from 'undici';
import { until } from '../../test/fixtures/until.ts';
import { now } from '../clock.ts';
import { BareClient } from './bare-client.ts';
import { LeanClient } from './lean-client.ts';
import type { LoadClient } from './load-client.ts';
import type { Exchange, LoadAnswer, LoadOrder, LoadQuestion } from './messages.ts';

const TICK_MS = 250;
/** Maximum of sockets being opened, and of token requests, at a time. */
const AT_ONCE = 16;
const CONNECT_MS = 120_000;
const EXCHANGE_MS = 30_000;

const clients: LoadClient[] = [];
const sessions: LeanClient[][] = [];

process.on('disconnect', () => process.exit(0));
process.on('message', (question: LoadQuestion) => void answer(question));
setInterval(() => {
  const at = now();
  for (const client of clients) client.tick(at);
}, TICK_MS);
try {
  await carryOut(JSON.parse(process.argv[2] ?? '') as LoadOrder);
  say({ t: 'connected' });
} catch (error) {
  say({ t: 'failed', message: String(error) });
}

async function carryOut(order: LoadOrder): Promise<void> {
  if (order.kind === 'bare') {
    await inTurns(Array.from({ length: order.connections }), () => arrive(new BareClient(order.socketUrl)));
    return;
  }
  const agent = new Agent({ connections: AT_ONCE });
  const places = order.sessions.flatMap(({ name, members }) => {
    const inSession: LeanClient[] = [];
    sessions.push(inSession);
    return Array.from({ length: members }, (_, at) => ({ name, inSession, key: `${name}-${at}` }));
  });
  await inTurns(places, async ({ name, inSession, key }) => {
    const client = new LeanClient(order.socketUrl, await tokenFor(order, name, agent), key);
    inSession.push(client);
    await arrive(client);
  });
  await agent.close();
}

async function tokenFor(
  { apiUrl, secret }: Extract<LoadOrder, { kind: 'members' }>,
  session: string,
  dispatcher: Agent,
): Promise<string> {
  const { statusCode, body } = await request(`${apiUrl}/sessions/${session}/connection`, {
    method: 'POST',
    dispatcher,
    headers: {
      authorization: `Basic ${Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: '{}',
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`the request for a token got ${statusCode}: ${text}`);
  return (JSON.parse(text) as { token: string }).token;
}

async function arrive(client: LoadClient): Promise<void> {
  clients.push(client);
  await until('a client has joined', () => client.isThere || client.ended !== undefined, CONNECT_MS);
  if (client.ended !== undefined) throw new Error(`a client could not join: ${client.ended}`);
}

/** Works on `AT_ONCE` items at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

async function answer(question: LoadQuestion): Promise<void> {
  switch (question.t) {
    case 'state': {
      const ended = clients.flatMap((client) => client.ended ?? []);
      const there = clients.filter((client) => client.isThere).length;
      return say({ t: 'state', state: { connections: clients.length, there, ended } });
    }
    case 'backTimes': {
      const times = clients.flatMap(({ backAt }) => (backAt !== undefined && backAt > question.since ? [backAt] : []));
      return say({ t: 'backTimes', times });
    }
    case 'exchange':
      return say({ t: 'exchange', exchange: await exchange() });
  }
}

async function exchange(): Promise<Exchange> {
  const data = crypto.randomUUID();
  const expected = sessions.reduce((sum, members) => sum + members.length, 0);
  const copies = (): number[] =>
    sessions.flat().map(({ signals }) => signals.filter((signal) => signal === data).length);
  const sent = sessions.map((members) => members[0]?.signal(data.slice(0, 12), data));
  const all = Promise.all(sent).catch(() => {});
  await Promise.race([all, new Promise((late) => setTimeout(late, EXCHANGE_MS))]);
  return {
    expected,
    delivered: copies().filter((count) => count > 0).length,
    twice: copies().filter((count) => count > 1).length,
  };
}

function say(message: LoadAnswer): void {
  process.send?.(message);
}
