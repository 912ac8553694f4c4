import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Heartbeat } from '../../src/client/signaling/heartbeat.ts';

/** A heartbeat of 2 s + 2.5 s, with manual clocks. */
class Beating {
  readonly seen: string[] = [];
  readonly heartbeat: Heartbeat;
  answers = false;
  #skew = 0;
  readonly #timers: TestContext['mock']['timers'];

  constructor(t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    this.#timers = t.mock.timers;
    this.heartbeat = new Heartbeat({
      now: () => Date.now() + this.#skew,
      ping: () => {
        this.seen.push('ping');
        if (this.answers) this.heartbeat.heard();
      },
      dead: () => this.seen.push('dead'),
      late: () => this.seen.push('late'),
    });
    this.heartbeat.start(2_000, 2_500);
  }

  /** Time during which timers run. */
  pass(ms: number): void {
    // In small steps, because a mocked clock jumps to the end of its tick before any timer runs.
    for (let left = ms; left > 0; left -= 100) this.#timers.tick(Math.min(left, 100));
  }

  /** Time during which no timer runs. */
  sleep(ms: number): void {
    this.#skew += ms;
  }

  take(): string[] {
    return this.seen.splice(0);
  }
}

test('an answering socket gets a ping every 2 s', (t) => {
  const beating = new Beating(t);
  for (let beat = 0; beat < 5; beat += 1) {
    beating.pass(1_999);
    assert.deepEqual(beating.take(), []);
    beating.pass(1);
    assert.deepEqual(beating.take(), ['ping']);
    beating.heartbeat.heard();
  }
});

test('a silent socket is dead 2.5 s after the ping, and this is reported once', (t) => {
  const beating = new Beating(t);
  beating.pass(4_499);
  assert.deepEqual(beating.take(), ['ping', 'ping']);
  beating.pass(1);
  assert.deepEqual(beating.take(), ['dead']);
  beating.pass(60_000);
  beating.heartbeat.check();
  beating.heartbeat.probe();
  assert.deepEqual(beating.take(), []);
});

test('after a sleep the first check pings, with a limit of 1.5 s', (t) => {
  const beating = new Beating(t);
  beating.sleep(3_600_000);
  beating.pass(2_000);
  assert.deepEqual(beating.take(), ['ping', 'late']);
  beating.pass(1_499);
  assert.deepEqual(beating.take(), []);
  beating.pass(1);
  assert.deepEqual(beating.take(), ['dead']);
});

test('a socket that has survived the sleep continues', (t) => {
  const beating = new Beating(t);
  beating.sleep(60_000);
  beating.pass(2_000);
  beating.heartbeat.heard();
  assert.deepEqual(beating.take(), ['ping', 'late']);
  beating.pass(2_000);
  assert.deepEqual(beating.take(), ['ping']);
});

test('a page that runs once a minute detects a silent socket, but keeps an answering one', (t) => {
  const beating = new Beating(t);
  // The answer itself is not delayed.
  beating.answers = true;
  for (let minute = 0; minute < 5; minute += 1) {
    beating.sleep(58_000);
    beating.pass(2_000);
    const seen = beating.take();
    assert.ok(seen.includes('ping') && !seen.includes('dead'), seen.join(' '));
  }
  beating.answers = false;
  beating.sleep(58_000);
  beating.pass(2_000);
  beating.take();
  beating.sleep(58_000);
  beating.pass(2_000);
  assert.ok(beating.take().includes('dead'));
});

test('a clock that is set back delays nothing', (t) => {
  const beating = new Beating(t);
  beating.pass(2_000);
  beating.sleep(-3_600_000);
  beating.pass(2_000);
  assert.deepEqual(beating.take(), ['ping', 'ping', 'late']);
  beating.pass(1_500);
  assert.deepEqual(beating.take(), ['dead']);
});

test('a doubted socket gets a ping at once; a second probe gives it no more time', (t) => {
  const beating = new Beating(t);
  beating.heartbeat.probe();
  beating.pass(1_000);
  beating.heartbeat.probe();
  assert.deepEqual(beating.take(), ['ping', 'ping']);
  beating.pass(500);
  assert.deepEqual(beating.take(), ['dead']);
  beating.heartbeat.start(2_000, 2_500);
  beating.heartbeat.probe();
  beating.heartbeat.heard();
  beating.heartbeat.stop();
  beating.pass(60_000);
  assert.deepEqual(beating.take(), ['ping']);
});

test('a link with a round trip of 3 s is slow, not dead; when it falls silent, it is dead', (t) => {
  const beating = new Beating(t);
  // The hello, and its answer.
  beating.heartbeat.asked();
  beating.pass(1_900);
  beating.pass(1_100);
  beating.heartbeat.heard();
  for (let answers = 0; answers < 10; answers += 1) {
    beating.take();
    while (!beating.seen.includes('ping')) beating.pass(100);
    beating.pass(3_000);
    assert.ok(!beating.seen.includes('dead'), `after ${answers} answers`);
    beating.heartbeat.heard();
  }
  beating.take();
  beating.pass(2_000 + 2_500 + 2 * 3_000);
  assert.ok(beating.take().includes('dead'));
});

test('a doubted socket on a slow link gets time for its round trip', (t) => {
  const beating = new Beating(t);
  beating.heartbeat.roundTrip.took(3_000);
  beating.heartbeat.probe();
  beating.pass(1_500 + 2 * 3_000 - 1);
  assert.ok(!beating.take().includes('dead'));
  beating.pass(1);
  assert.deepEqual(beating.take(), ['dead']);
});
