import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { NetworkStats } from '../../src/client/media/network-quality.ts';
import { QualityWatch } from '../../src/client/media/quality-watch.ts';

class Measured {
  stats: NetworkStats[] = [{ connected: true, rttMs: 20 }];
  isHidden = false;
  measured = 0;
  answer: () => Promise<NetworkStats[]> = async () => this.stats;
  readonly told: number[] = [];
  readonly watch: QualityWatch;
  readonly #t: TestContext;

  constructor(t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.#t = t;
    this.watch = new QualityWatch({
      measure: () => {
        this.measured += 1;
        return this.answer();
      },
      changed: (level) => this.told.push(level),
      isHidden: () => this.isHidden,
    });
  }

  async pass(looks: number): Promise<void> {
    for (let look = 0; look < looks; look += 1) {
      this.#t.mock.timers.tick(5_000);
      // Timers are mocked, but promises are real.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test('the level is reported only when it changes', async (t) => {
  const one = new Measured(t);
  one.watch.start();
  one.watch.start();
  await one.pass(3);
  assert.equal(one.measured, 3);
  assert.deepEqual(one.told, [5]);
  one.stats = [{ connected: true, rttMs: 20 }, { connected: false }];
  await one.pass(2);
  one.stats = [{ connected: true, rttMs: 300 }];
  await one.pass(2);
  assert.deepEqual(one.told, [5, 0, 3]);
});

test('neither a hidden page nor one without media is measured', async (t) => {
  const one = new Measured(t);
  one.isHidden = true;
  one.watch.start();
  await one.pass(3);
  assert.equal(one.measured, 0);
  one.isHidden = false;
  one.stats = [];
  await one.pass(3);
  assert.equal(one.measured, 3);
  assert.deepEqual(one.told, []);
});

test('a failed measurement is repeated; one that completes after the session reports nothing', async (t) => {
  const one = new Measured(t);
  one.answer = () => Promise.reject(new Error('closed'));
  one.watch.start();
  await one.pass(1);
  let answer = (_stats: NetworkStats[]): void => {};
  one.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  await one.pass(1);
  one.watch.stop();
  answer([{ connected: true }]);
  await one.pass(2);
  assert.equal(one.measured, 2);
  assert.deepEqual(one.told, []);
});
