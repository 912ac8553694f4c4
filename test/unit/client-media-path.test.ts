import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MediaPath } from '../../src/client/media/media-path.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';

class Broken {
  readonly path: MediaPath;
  readonly told: string[] = [];
  /** Why it was given up. */
  readonly given: string[] = [];
  hasPath = false;
  silences = 0;
  restarts = 0;
  answer: () => Promise<void> = async () => {};
  readonly #t: TestContext;

  constructor(t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.#t = t;
    this.path = new MediaPath({
      restart: () => {
        this.restarts += 1;
        return this.answer();
      },
      broken: (cause) => this.told.push(cause),
      silent: () => {
        this.silences += 1;
      },
      silenceMs: () => 4_000,
      hopeless: (cause) => this.given.push(cause),
      hasPath: () => this.hasPath,
    });
  }

  async pass(ms: number): Promise<void> {
    this.#t.mock.timers.tick(ms);
    // Timers are not real here, promises are.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a moment without a path is nothing; a second is a reason to look for another', async (t) => {
  const broken = new Broken(t);
  broken.path.become('connected');
  broken.path.become('disconnected');
  await broken.pass(900);
  broken.path.become('connected');
  await broken.pass(10_000);
  assert.equal(broken.restarts, 0);
  broken.path.become('disconnected');
  await broken.pass(1_000);
  assert.equal(broken.restarts, 1);
  broken.path.become('connected');
  await broken.pass(60_000);
  assert.equal(broken.restarts, 1);
});

test('it goes on trying, ever more slowly, and says so once', async (t) => {
  const broken = new Broken(t);
  broken.answer = () => Promise.reject(new Error('no answer'));
  broken.path.become('failed');
  await broken.pass(0);
  assert.equal(broken.restarts, 1);
  for (const [wait, restarts] of [
    [4_000, 2],
    [8_000, 3],
    [16_000, 4],
    [16_000, 5],
  ] as const) {
    await broken.pass(wait - 1);
    assert.equal(broken.restarts, restarts - 1);
    await broken.pass(1);
    assert.equal(broken.restarts, restarts);
  }
  assert.deepEqual(broken.told, ['Error: no answer']);
  broken.path.close();
  broken.path.become('failed');
  await broken.pass(60_000);
  assert.equal(broken.restarts, 5);
});

test('one attempt at a time, however often it is asked for', async (t) => {
  const broken = new Broken(t);
  let done = (): void => {};
  broken.answer = () =>
    new Promise<void>((resolve) => {
      done = resolve;
    });
  broken.path.become('failed');
  broken.path.check(true);
  broken.path.become('disconnected');
  await broken.pass(5_000);
  assert.equal(broken.restarts, 1);
  done();
  await broken.pass(0);
  broken.path.check(false);
  assert.equal(broken.restarts, 2);
});

test('what seems well is left alone, unless the network is another one', async (t) => {
  const broken = new Broken(t);
  // Nothing has been negotiated yet.
  broken.path.check(true);
  broken.path.become('connecting');
  broken.path.check(true);
  broken.path.become('connected');
  broken.path.check(false);
  assert.equal(broken.restarts, 0);
  broken.path.check(true);
  assert.equal(broken.restarts, 1);
  await broken.pass(60_000);
  assert.equal(broken.restarts, 1);
});

test('a path that is silent for long is told of, once for each time; a short silence is not', async (t) => {
  const broken = new Broken(t);
  broken.path.become('connected');
  broken.path.become('disconnected');
  await broken.pass(3_900);
  broken.path.become('connected');
  await broken.pass(60_000);
  assert.equal(broken.silences, 0);
  broken.path.become('disconnected');
  await broken.pass(1_000);
  // Another path is tried, in vain.
  broken.path.become('connecting');
  await broken.pass(2_000);
  broken.path.become('failed');
  await broken.pass(1_000);
  assert.equal(broken.silences, 1);
  await broken.pass(60_000);
  assert.equal(broken.silences, 1);
  broken.path.become('connected');
  broken.path.become('failed');
  await broken.pass(4_000);
  assert.equal(broken.silences, 2);
  broken.path.become('connected');
  broken.path.become('disconnected');
  broken.path.close();
  await broken.pass(60_000);
  assert.equal(broken.silences, 2);
});

test('its health is known from the first path on, and is bad from its loss to the next', (t) => {
  const broken = new Broken(t);
  const health = (state: RTCPeerConnectionState): string => {
    broken.path.become(state);
    return broken.path.health;
  };
  assert.equal(health('connecting'), 'unknown');
  assert.equal(health('connected'), 'well');
  assert.equal(health('disconnected'), 'broken');
  assert.equal(health('connecting'), 'broken');
  assert.equal(health('connected'), 'well');
});

test('a path that is never found is none that has become silent', async (t) => {
  const broken = new Broken(t);
  broken.path.become('connecting');
  broken.path.become('failed');
  assert.equal(broken.path.health, 'broken');
  await broken.pass(60_000);
  assert.equal(broken.silences, 0);
});

test('what no other path can help is given up, once', async (t) => {
  const encryption = new Broken(t);
  encryption.hasPath = true;
  encryption.path.become('failed');
  encryption.path.become('failed');
  await encryption.pass(60_000);
  assert.deepEqual([encryption.given.length, encryption.restarts], [1, 0]);
});

test('a transport that the media node does not know is given up, and nothing else that is refused', async (t) => {
  const unknown = new Broken(t);
  unknown.answer = () => Promise.reject(new ProtocolError('UNAVAILABLE'));
  unknown.path.become('failed');
  await unknown.pass(0);
  assert.deepEqual(unknown.given, []);
  unknown.answer = () => Promise.reject(new ProtocolError('TRANSPORT_UNKNOWN', 'send-1'));
  await unknown.pass(4_000);
  assert.equal(unknown.given.length, 1);
  await unknown.pass(60_000);
  unknown.path.check(true);
  assert.deepEqual([unknown.given.length, unknown.restarts], [1, 2]);
});
