import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MediaPath } from '../../src/client/media/media-path.ts';

class Broken {
  readonly path: MediaPath;
  readonly told: string[] = [];
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
