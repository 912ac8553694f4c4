import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type SessionEffect,
  type SessionInput,
  type SessionState,
  TRANSITIONS,
  transition,
} from '../../src/client/session/session-state.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';

const STATES = Object.keys(TRANSITIONS) as SessionState[];
const INPUTS = [...new Set(STATES.flatMap((state) => Object.keys(TRANSITIONS[state])))] as SessionInput[];

/** Guarantees to applications, checked over one walk. A violation throws. */
class Watcher {
  connecting = false;
  inside = false;
  announced: 'nothing' | 'reconnecting' | 'destroyed' = 'nothing';
  socket = false;
  fetching = false;
  disconnects = 0;

  see(effect: SessionEffect): void {
    switch (effect) {
      case 'fetchToken':
        this.fetching = true;
        return;
      case 'sendJoin':
        assert.ok(this.fetching, 'a join without a token');
        this.fetching = false;
        this.socket = true;
        return;
      case 'startSession':
        assert.ok(this.connecting, 'connect() resolved twice');
        assert.ok(!this.inside);
        this.connecting = false;
        this.inside = true;
        return;
      case 'rejectConnect':
        assert.ok(this.connecting, 'connect() settled twice');
        this.connecting = false;
        return;
      case 'reconcile':
        assert.ok(this.inside);
        return;
      case 'announceReconnecting':
        assert.equal(this.announced, 'nothing');
        assert.ok(this.inside);
        this.announced = 'reconnecting';
        return;
      case 'announceReconnected':
        assert.equal(this.announced, 'reconnecting', 'reconnected without reconnecting');
        this.announced = 'nothing';
        return;
      case 'announceDestroyed':
        assert.ok(this.inside);
        assert.notEqual(this.announced, 'destroyed', 'destroyed twice');
        this.announced = 'destroyed';
        return;
      case 'loseSession':
        assert.ok(this.inside);
        assert.notEqual(this.announced, 'destroyed', 'a connection lapses twice');
        this.announced = 'destroyed';
        return;
      case 'rebuildSession':
        assert.equal(this.announced, 'destroyed', 'rebuilt without having been destroyed');
        assert.ok(this.inside);
        this.announced = 'nothing';
        return;
      case 'announceDisconnected':
        assert.ok(this.inside, 'disconnected without having been connected');
        this.inside = false;
        this.announced = 'nothing';
        this.disconnects += 1;
        return;
      case 'closeSocket':
        this.socket = false;
        this.fetching = false;
        return;
      case 'sayGoodbye':
        assert.ok(this.connecting || this.inside, 'goodbye after the end was announced');
        return;
    }
  }

  arrivedIn(state: SessionState): void {
    assert.equal(this.connecting, state === 'joining', `connect() is pending in ${state}`);
    assert.equal(this.inside, state === 'joined' || state === 'reconnecting' || state === 'rebuilding');
    assert.equal(this.announced === 'reconnecting', state === 'reconnecting');
    assert.equal(this.announced === 'destroyed', state === 'rebuilding');
    if (state === 'ended') assert.ok(!this.socket, 'a socket stays open');
    if (state === 'joined') assert.ok(this.socket);
  }
}

function walk(seed: number, steps: number): Set<string> {
  const random = seededRandom(seed);
  const rows = new Set<string>();
  const path: string[] = [];
  const watcher = new Watcher();
  let state: SessionState = 'idle';
  try {
    for (let step = 0; step < steps; step += 1) {
      const input: SessionInput = pick(random, INPUTS);
      // Keep the real order: a welcome answers a join, a loss needs a socket, a token needs a request.
      if (input === 'token' && !watcher.fetching) continue;
      if (input === 'tokenFailed' && !watcher.fetching && !watcher.socket) continue;
      if (
        !watcher.socket &&
        ['welcome', 'takenOver', 'lost', 'evicted', 'destroyed', 'crashed', 'lapsed'].includes(input)
      )
        continue;
      if (input === 'welcome' && state !== 'reconnecting' && watcher.fetching) continue;
      const found = transition(state, input);
      path.push(`${state} +${input}`);
      if (!found) continue;
      rows.add(`${state} +${input}`);
      if (input === 'connect') watcher.connecting = true;
      state = found.next;
      for (const effect of found.effects) watcher.see(effect);
      watcher.arrivedIn(state);
    }
  } catch (error) {
    throw new Error(`SEED=${seed}: ${String(error)}\n${path.slice(-12).join('\n')}`, { cause: error });
  }
  return rows;
}

test('random walks keep every guarantee to the application, and use every row of the table', () => {
  const taken = new Set<string>();
  for (const seed of seeds(200)) for (const row of walk(seed, 2_000)) taken.add(row);
  if (process.env['SEED']) return;
  const all = STATES.flatMap((state) => Object.keys(TRANSITIONS[state]).map((input) => `${state} +${input}`));
  assert.deepEqual([...taken].sort(), all.sort());
});

test('leaving works in every state, and leaves no socket open', () => {
  for (const state of STATES) {
    if (state !== 'idle' && state !== 'ended') assert.equal(transition(state, 'disconnect')?.next, 'ended', state);
    for (const [input, found] of Object.entries(TRANSITIONS[state])) {
      if (found.next === 'ended')
        assert.ok(found.effects.includes('closeSocket'), `${state} +${input} leaves a socket`);
    }
  }
});

test('a client that leaves says goodbye in every state in which it may have a connection', () => {
  for (const [state, rows] of Object.entries(TRANSITIONS)) {
    if (state === 'ended') continue;
    for (const input of ['disconnect', 'gaveUp'] as const) {
      const { effects } = rows[input] ?? {};
      if (effects) assert.equal(effects[0], 'sayGoodbye', `${state} +${input}`);
    }
  }
  // Otherwise the others would wait for a client that cannot return under its identity.
  for (const state of ['joined', 'reconnecting'] as const) {
    assert.equal(TRANSITIONS[state].crashed?.effects[0], 'sayGoodbye');
  }
  assert.equal(TRANSITIONS.rebuilding.refused?.effects[0], 'sayGoodbye');
});
