import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MediaPath } from '../../src/client/media/media-path.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';

class Broken {
  readonly path: MediaPath;
  readonly told: string[] = [];
  /** Causes of giving the transport up. */
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
    // Timers are mocked, but promises are real.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a moment without a path is ignored; after a second the client looks for another', async (t) => {
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

test('it keeps trying, ever more slowly, and reports this once', async (t) => {
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

test('one attempt at a time, even after repeated calls', async (t) => {
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

test('a healthy path is left alone, unless the network has changed', async (t) => {
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

test('each long silence of a path is reported once; a short one is not', async (t) => {
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

test('its health is known from the first path on, and bad from its loss to the next path', (t) => {
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

test('a path that is never found does not count as silent', async (t) => {
  const broken = new Broken(t);
  broken.path.become('connecting');
  broken.path.become('failed');
  assert.equal(broken.path.health, 'broken');
  await broken.pass(60_000);
  assert.equal(broken.silences, 0);
});

test('a transport that no other path can help is given up, once', async (t) => {
  const encryption = new Broken(t);
  encryption.hasPath = true;
  encryption.path.become('failed');
  encryption.path.become('failed');
  await encryption.pass(60_000);
  assert.deepEqual([encryption.given.length, encryption.restarts], [1, 0]);
});

test('a transport unknown to the media node is given up, but not after other refusals', async (t) => {
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
