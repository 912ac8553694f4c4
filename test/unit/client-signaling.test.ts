import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Signaling } from '../../src/client/signaling/signaling.ts';
import type { ClientFrame, Join, WelcomeFrame } from '../../src/protocol/frames.ts';
import { until } from '../fixtures/until.ts';

/** A browser's WebSocket whose other end is the test. */
class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static made: FakeSocket[] = [];
  readyState = FakeSocket.CONNECTING;
  readonly url: string;
  readonly sent: ClientFrame[] = [];
  closedWith: number | undefined;

  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.made.push(this);
    queueMicrotask(() => {
      this.readyState = FakeSocket.OPEN;
      this.dispatchEvent(new Event('open'));
    });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  /** The client closes it. */
  close(code: number): void {
    this.closedWith = code;
    this.readyState = FakeSocket.CLOSED;
  }

  says(frame: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
  }

  /** The server closes it. */
  ends(code: number): void {
    this.readyState = FakeSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '', wasClean: true }));
  }
}

const JOIN: Join = { sessionId: 'room', token: 'tok_1', key: 'k', metadata: '' } as Join;
const WELCOME = {
  t: 'welcome',
  v: 1,
  resumed: false,
  sessionId: 'room',
  uniqueSessionId: 'room_1',
  connectionId: 'con_1',
  epoch: 1,
  resumeKey: 'secret',
  requestsTaken: 0,
  seq: 0,
  heartbeatMs: 2_000,
  heartbeatTimeoutMs: 2_500,
  resumeGraceMs: 20_000,
  reconnectSpreadMs: 0,
} as unknown as WelcomeFrame;

/** A joined client; `words` lists its events. */
async function joined({
  offline = false,
  capMs = 10_000,
} = {}): Promise<{ signaling: Signaling; words: string[]; socket: FakeSocket }> {
  FakeSocket.made = [];
  const signaling = new Signaling({
    policy: { spreadMs: 0, baseMs: 0, capMs },
    random: () => 1,
    isOffline: () => offline,
    now: Date.now,
    sdk: 'test',
    WebSocket: FakeSocket,
  });
  const words: string[] = [];
  signaling.on('welcome', () => words.push('welcome'));
  signaling.on('lost', (code) => words.push(`lost ${code}`));
  signaling.on('refused', ({ code }) => words.push(`refused ${code}`));
  signaling.on('event', ({ event }) => words.push(event));
  signaling.on('retrying', (attempt, delayMs) => words.push(`attempt ${attempt} in ${delayMs}`));
  signaling.join(JOIN, ['ws://a']);
  const socket = await nextSocket(1);
  socket.says(WELCOME);
  words.length = 0;
  return { signaling, words, socket };
}

/** The client's socket number `number`, once it has sent its hello. */
function nextSocket(number: number): Promise<FakeSocket> {
  return until(`socket ${number} says hello`, () => {
    const socket = FakeSocket.made[number - 1];
    return socket && socket.sent.length > 0 ? socket : undefined;
  });
}

test('4409 on the present socket is a mistake, so the client resumes; on a replaced one it is ignored', async () => {
  const { signaling, words, socket } = await joined();
  socket.ends(4409);
  const second = await nextSocket(2);
  assert.equal(second.sent[0]?.t === 'hello' && second.sent[0].resume?.connectionId, 'con_1');
  second.says({ ...WELCOME, resumed: true });
  assert.deepEqual([...words].sort(), ['attempt 1 in 0', 'lost 4409', 'welcome']);
  words.length = 0;
  socket.ends(4409);
  socket.says({ t: 'evt', seq: 1, event: 'connectionPresence', data: {} });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(words, []);
  assert.equal(FakeSocket.made.length, 2);
  signaling.close(new Error() as never);
});

test('each resume sends the key of the last received welcome, and acknowledges a welcome at once', async () => {
  const { signaling, socket } = await joined();
  const shown = (one: FakeSocket): unknown => one.sent[0]?.t === 'hello' && one.sent[0].resume?.resumeKey;
  socket.ends(1006);
  const second = await nextSocket(2);
  assert.equal(shown(second), 'secret');
  // Its welcome is lost.
  second.ends(1006);
  const third = await nextSocket(3);
  assert.equal(shown(third), 'secret');
  third.says({ ...WELCOME, resumed: true, resumeKey: 'another' });
  assert.deepEqual(third.sent.slice(1), [{ t: 'ack', seq: 0 }]);
  assert.equal(signaling.lastPlace?.resumeKey, 'another');
  third.ends(1006);
  assert.equal(shown(await nextSocket(4)), 'another');
  signaling.close(new Error() as never);
});

test("a snapshot from the same owner keeps the requests' numbers; another owner renumbers them", async () => {
  const { signaling, socket } = await joined();
  const answers = ['a', 'b', 'c'].map((id) => signaling.request('signal', { id }));
  socket.says({ t: 'res', seq: 1, id: 1, data: { recipients: 1 } });
  await answers[0];
  socket.ends(4408);
  const second = await nextSocket(2);
  const snapshot = { others: [] };
  second.says({ ...WELCOME, resumed: true, seq: 40, requestsTaken: 2, snapshot });
  const numbers = ({ sent }: FakeSocket) =>
    sent.flatMap((frame) => (frame.t === 'req' ? `${frame.id} ${(frame.data as { id: string }).id}` : []));
  assert.deepEqual(numbers(second), ['3 c']);
  second.says({ t: 'res', seq: 41, id: 2, data: { recipients: 7 } });
  assert.deepEqual(await answers[1], { recipients: 7 });
  second.ends(4503);
  const third = await nextSocket(3);
  third.says({ ...WELCOME, resumed: true, epoch: 2, seq: 0, requestsTaken: 0, snapshot });
  assert.deepEqual(numbers(third), ['1 c']);
  third.says({ t: 'res', seq: 1, id: 1, error: { code: 'RATE_LIMITED', message: '', action: '' } });
  await assert.rejects(answers[2] ?? Promise.resolve(), { code: 'RATE_LIMITED' });
  signaling.close(new Error() as never);
});

test('a suspended page closes its socket, opens no other, and returns at once', async () => {
  const { signaling, words, socket } = await joined();
  signaling.suspend();
  signaling.suspend();
  assert.equal(socket.closedWith, 4997);
  signaling.reconnectNow();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(FakeSocket.made.length, 1);
  assert.deepEqual(words, ['lost 4997', 'attempt 1 in 0']);
  signaling.wake();
  const second = await nextSocket(2);
  assert.ok(second.sent[0]?.t === 'hello' && second.sent[0].resume);
  signaling.close(new Error() as never);
});

test('leaving while suspended leaves nothing behind', async () => {
  const { signaling } = await joined();
  signaling.suspend();
  signaling.close(new Error() as never);
  signaling.wake();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(FakeSocket.made.length, 1);
});

test('without a network attempts are rare, and a delay can be cut short', async () => {
  const { signaling, words, socket } = await joined({ offline: true, capMs: 60_000 });
  socket.ends(1006);
  await until('it waits', () => words.includes('attempt 1 in 60000'));
  assert.equal(FakeSocket.made.length, 1);
  signaling.reconnectNow();
  await nextSocket(2);
  signaling.close(new Error() as never);
});

test('the client does not return after a final close by the server', async () => {
  const { words, socket } = await joined();
  socket.ends(4410);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(words, ['refused SESSION_CLOSED']);
  assert.equal(FakeSocket.made.length, 1);
});

test('sockets are below the path of each URL; a slash at its end makes no difference, and a query stays', async () => {
  for (const [base, url] of [
    ['ws://a', 'ws://a/rejoin'],
    ['ws://a/', 'ws://a/rejoin'],
    ['wss://a:1/site/video', 'wss://a:1/site/video/rejoin'],
    ['wss://a/video//', 'wss://a/video/rejoin'],
    ['wss://a/video/?at=eu/west', 'wss://a/video/rejoin?at=eu/west'],
  ] as const) {
    FakeSocket.made = [];
    const signaling = new Signaling({
      policy: {},
      random: () => 1,
      isOffline: () => false,
      now: Date.now,
      sdk: 'test',
      WebSocket: FakeSocket,
    });
    signaling.join(JOIN, [base]);
    assert.equal((await nextSocket(1)).url, url);
    signaling.close(new Error() as never);
  }
});

const place = { sessionId: 'room', uniqueSessionId: 'room_1', connectionId: 'con_1', resumeKey: 'secret', epoch: 1 };
const goodbyeOf = ({ sent }: FakeSocket): unknown => sent[0]?.t === 'hello' && sent[0].goodbye;

test('it repeats its goodbye until a server has received it, over any socket and to any owner, without events', async () => {
  const { signaling, words, socket } = await joined();
  const asked = signaling.request('signal', { id: 'a' }).catch(({ code }: { code: string }) => code);
  signaling.leave(60_000);
  assert.equal(await asked, 'SESSION_CLOSED');
  assert.deepEqual(socket.sent.at(-1), { t: 'req', id: 2, method: 'leave', data: {} });
  // The owner died with the message, and another takes over.
  socket.says({ t: 'moved' });
  const last = socket.sent.at(-1);
  assert.deepEqual(last?.t === 'hello' && last.goodbye, place);
  // Its edge dies, too, and the next one does not reach the owner yet.
  socket.ends(1006);
  const second = await nextSocket(2);
  assert.deepEqual(goodbyeOf(second), place);
  second.ends(4503);
  const third = await nextSocket(3);
  assert.deepEqual(goodbyeOf(third), place);
  third.ends(4000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(FakeSocket.made.length, 3);
  assert.deepEqual(words, []);
});

test('a connection that a crash has ended is left, over the same socket', async () => {
  const { signaling, socket } = await joined();
  socket.says({ t: 'destroyed', uniqueSessionId: 'room_1', reason: 'nodeCrashed' });
  assert.equal(socket.sent.length, 1);
  signaling.leave(60_000);
  const last = await until('it says goodbye', () => socket.sent[1]);
  assert.deepEqual(last?.t === 'hello' && last.goodbye, place);
  socket.ends(4000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(FakeSocket.made.length, 1);
});

test('a pending join is awaited and then left; after a refused one, the former connection is left', async () => {
  const { signaling, socket } = await joined();
  socket.says({ t: 'destroyed', uniqueSessionId: 'room_1', reason: 'nodeCrashed' });
  signaling.join({ ...JOIN, key: 'k2' }, ['ws://a']);
  signaling.leave(60_000);
  assert.equal(socket.sent.length, 2);
  socket.says({ ...WELCOME, connectionId: 'con_2', requestsTaken: 0 });
  assert.deepEqual(socket.sent.at(-1), { t: 'req', id: 1, method: 'leave', data: {} });
  socket.ends(4000);

  const other = await joined();
  other.socket.says({ t: 'destroyed', uniqueSessionId: 'room_1', reason: 'nodeCrashed' });
  other.signaling.join({ ...JOIN, key: 'k2' }, ['ws://a']);
  other.signaling.leave(60_000);
  other.socket.ends(4401);
  const second = await nextSocket(2);
  assert.deepEqual(goodbyeOf(second), place);
  second.ends(4000);
});

test('leaving ends: without a reachable server, after its time; without a connection, at once', async () => {
  const { signaling, socket } = await joined();
  signaling.leave(50);
  await until('it is given up', () => socket.closedWith !== undefined);
  assert.equal(socket.closedWith, 1000);

  FakeSocket.made = [];
  const { signaling: never } = await joined();
  never.close();
  never.leave(60_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(FakeSocket.made.length, 1);
});
