import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { handover, type Reception } from '../../src/client/media/handover.ts';
import type { MediaKind } from '../../src/protocol/model.ts';

const STEP_MS = 10;

/** Something received whose figures the test sets. */
class FakeReception implements Reception {
  isLive = true;
  arrived = 0;

  count(): Promise<number> {
    return Promise.resolve(this.arrived);
  }
}

class Exchange {
  readonly old = new FakeReception();
  readonly next = new FakeReception();
  readonly told: string[] = [];
  isWanted = true;
  dueAfterMs: number | undefined;

  constructor(kind: MediaKind) {
    this.old.arrived = 100;
    const began = performance.now();
    void handover({
      kind,
      old: this.old,
      next: this.next,
      isWanted: () => this.isWanted,
      moves: () => this.told.push('moves'),
      still: () => this.told.push('still'),
    }).then(() => {
      this.dueAfterMs = performance.now() - began;
    });
  }

  readonly oldMoves = (): void => {
    this.old.arrived += 1;
  };

  /** Time passes; `each` is called every 10 ms of it. */
  async pass(ms: number, each: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      each();
      now += STEP_MS;
      mock.timers.tick(STEP_MS);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  }
}

let now = 0;
beforeEach(() => {
  now = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(performance, 'now', () => now);
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

test('a picture whose place is dead gives way to the first frame of the next', async () => {
  const exchange = new Exchange('video');
  await exchange.pass(300);
  assert.equal(exchange.dueAfterMs, undefined);
  exchange.next.arrived = 1;
  await exchange.pass(60);
  assert.ok(exchange.dueAfterMs, 'it is due');
  assert.deepEqual(exchange.told, []);
});

test('a picture that moves gives way to the second frame, as the first is shown too early', async () => {
  const exchange = new Exchange('video');
  await exchange.pass(100, exchange.oldMoves);
  exchange.next.arrived = 1;
  await exchange.pass(200, exchange.oldMoves);
  assert.equal(exchange.dueAfterMs, undefined);
  exchange.next.arrived = 2;
  await exchange.pass(60, exchange.oldMoves);
  assert.ok(exchange.dueAfterMs, 'it is due');
  assert.deepEqual(exchange.told, ['moves']);
});

test('a still picture stays until there is another, and is no reason to keep the old place', async () => {
  const exchange = new Exchange('video');
  await exchange.pass(1_900);
  assert.equal(exchange.told.length, 0);
  await exchange.pass(60_000);
  assert.equal(exchange.told.includes('still'), true);
  assert.equal(exchange.dueAfterMs, undefined);
  exchange.next.arrived = 1;
  await exchange.pass(60);
  assert.ok(exchange.dueAfterMs, 'it is due');
});

test('sound that has stopped is not waited for, and sound that goes on stays until the next arrives', async () => {
  const stopped = new Exchange('audio');
  await stopped.pass(500);
  assert.ok(stopped.dueAfterMs && stopped.dueAfterMs < 500, `due after ${stopped.dueAfterMs} ms`);

  const flowing = new Exchange('audio');
  await flowing.pass(20_000, flowing.oldMoves);
  assert.equal(flowing.dueAfterMs, undefined);
  flowing.next.arrived = 1;
  await flowing.pass(60, flowing.oldMoves);
  assert.ok(flowing.dueAfterMs, 'it is due');
});

const ends: Readonly<Record<string, (exchange: Exchange) => void>> = {
  'is muted, or something newer comes': (exchange) => {
    exchange.isWanted = false;
  },
  'has ended': ({ old }) => {
    old.isLive = false;
  },
  'cannot come any more': ({ next }) => {
    next.isLive = false;
  },
};
for (const [what, end] of Object.entries(ends)) {
  test(`nothing is waited for that ${what}`, async () => {
    const exchange = new Exchange('video');
    await exchange.pass(100, exchange.oldMoves);
    end(exchange);
    await exchange.pass(60);
    assert.ok(exchange.dueAfterMs, 'it is due');
  });
}
