import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { handover, type Reception } from '../../src/client/media/handover.ts';
import type { MediaKind } from '../../src/protocol/model.ts';

const STEP_MS = 10;

/** Received media with statistics set by the test. */
class FakeReception implements Reception {
  isLive = true;
  last: number | undefined;
}

class Exchange {
  readonly old = new FakeReception();
  readonly next = new FakeReception();
  readonly told: string[] = [];
  isWanted = true;
  dueAfterMs: number | undefined;

  constructor(kind: MediaKind) {
    this.old.last = 100;
    const began = performance.now();
    void handover({
      kind,
      old: this.old,
      next: this.next,
      before: { last: 100, at: began },
      isWanted: () => this.isWanted,
      moves: () => this.told.push('moves'),
    }).then(() => {
      this.dueAfterMs = performance.now() - began;
    });
  }

  readonly oldMoves = (): void => {
    this.old.last = (this.old.last ?? 0) + 1;
  };

  /** Lets time pass, and calls `each` every 10 ms of it. */
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

test('still media is not awaited: the only frame of its successor may come at any time', async () => {
  for (const kind of ['video', 'audio'] as const) {
    const exchange = new Exchange(kind);
    await exchange.pass(110);
    assert.equal(exchange.dueAfterMs, undefined);
    await exchange.pass(50);
    assert.ok(exchange.dueAfterMs, 'it is due');
    assert.deepEqual(exchange.told, []);
  }
});

test('a moving picture is replaced at the second new frame, because browsers show the first too early', async () => {
  const exchange = new Exchange('video');
  await exchange.pass(100, exchange.oldMoves);
  assert.deepEqual(exchange.told, ['moves']);
  exchange.next.last = 1;
  await exchange.pass(200, exchange.oldMoves);
  assert.equal(exchange.dueAfterMs, undefined);
  exchange.next.last = 2;
  await exchange.pass(60, exchange.oldMoves);
  assert.ok(exchange.dueAfterMs, 'it is due');
  assert.deepEqual(exchange.told, ['moves']);
});

test('a picture that stops before its successor arrives is not awaited', async () => {
  const exchange = new Exchange('video');
  await exchange.pass(200, exchange.oldMoves);
  await exchange.pass(450);
  assert.equal(exchange.dueAfterMs, undefined);
  await exchange.pass(100);
  assert.ok(exchange.dueAfterMs, 'it is due');
});

test('continuing media stays until its successor arrives, however long that takes', async () => {
  for (const kind of ['video', 'audio'] as const) {
    const exchange = new Exchange(kind);
    await exchange.pass(20_000, exchange.oldMoves);
    assert.equal(exchange.dueAfterMs, undefined);
    for (const at of [1, 2]) {
      exchange.next.last = at;
      await exchange.pass(60, exchange.oldMoves);
    }
    assert.ok(exchange.dueAfterMs, 'it is due');
  }
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
  test(`no wait for media that ${what}`, async () => {
    const exchange = new Exchange('video');
    await exchange.pass(100, exchange.oldMoves);
    end(exchange);
    await exchange.pass(60);
    assert.ok(exchange.dueAfterMs, 'it is due');
  });
}
