import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { EventWriter, type EventWriterParts } from '../../src/server/master/webhooks/event-writer.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { StoreError } from '../../src/server/store/store.ts';
import type { EventId, OutboxEvent, PutResult, SubjectKey } from '../../src/server/store/webhook-outbox.ts';
import { until } from '../fixtures/until.ts';

const event = (name: string): OutboxEvent => ({
  id: `evt_${name}` as EventId,
  name,
  subject: 's' as SubjectKey,
  body: '{}',
  targets: ['http://hook/'],
});

interface Writing {
  readonly writer: EventWriter;
  /** Names of the written events, a line for each call. */
  readonly puts: string[];
  readonly drops: (readonly [number, string | undefined])[];
  readonly said: string[];
  /** Results of the next calls; default: everything is written. */
  readonly results: (PutResult | Error)[];
  woken: number;
}

function writing(parts: Partial<EventWriterParts> = {}): Writing {
  const puts: string[] = [];
  const drops: (readonly [number, string | undefined])[] = [];
  const said: string[] = [];
  const results: (PutResult | Error)[] = [];
  const state = { puts, drops, said, results, woken: 0 };
  const writer = new EventWriter({
    outbox: {
      put: async (events) => {
        const result = results.shift() ?? { put: events.length, dropped: new Map() };
        if (result instanceof Error) throw result;
        puts.push(events.map(({ name }) => name).join(' '));
        return result;
      },
    },
    owner: 'master-1@a' as InstanceId,
    bound: 1_000,
    log: pino({ level: 'warn' }, { write: (line: string) => said.push((JSON.parse(line) as { msg: string }).msg) }),
    written: () => {
      state.woken += 1;
    },
    dropped: (count, target) => drops.push([count, target]),
    againMs: 5,
    ...parts,
  });
  return Object.assign(state, { writer });
}
const down = (): StoreError => new StoreError('unavailable', 'down');

test('events of one turn are written together, and no caller waits', async () => {
  const { writer, puts } = writing();
  writer.add([event('a')]);
  writer.add([event('b'), event('c')]);
  assert.deepEqual(puts, []);
  await writer.written([event('d')]);
  assert.deepEqual(puts, ['a b c d']);
});

test('a dependent event is computed after all earlier writes, and before all later ones', async () => {
  const { writer, puts } = writing();
  writer.add([event('a')]);
  writer.add(async () => {
    assert.deepEqual(puts, ['a']);
    return [event('b')];
  });
  writer.add([event('c')]);
  await writer.written(async () => []);
  assert.deepEqual(puts, ['a', 'b', 'c']);
});

test('while the store does not answer, events wait in order; this is logged once', async () => {
  const { writer, puts, said, results } = writing();
  results.push(down(), down(), down());
  writer.add([event('a')]);
  await until('it has been tried', () => results.length < 3);
  writer.add([event('b')]);
  await writer.written([event('c')]);
  assert.deepEqual(puts, ['a', 'b c']);
  assert.equal(said.length, 1);
});

test('when too many wait, the oldest are dropped, which is logged once and counted', async () => {
  const writer = writing({ bound: 3 });
  writer.results.push(down());
  writer.writer.add([event('first')]);
  await until('it is being tried', () => writer.results.length === 0);
  for (const name of ['a', 'b', 'c', 'd', 'e']) writer.writer.add([event(name)]);
  await until('the rest is written', () => writer.writer.size === 0 && writer.puts.length === 2);
  assert.deepEqual(writer.puts, ['first', 'c d e']);
  assert.deepEqual(writer.drops, [
    [1, undefined],
    [1, undefined],
  ]);
  assert.equal(writer.said.filter((line) => line.includes('too many')).length, 1);
});

test('events dropped from the outbox are counted for their target', async () => {
  const { writer, drops, said, results } = writing();
  const full = { put: 1, dropped: new Map([['http://hook/', 2]]) };
  results.push(full, full, { put: 1, dropped: new Map() }, full);
  for (const name of ['a', 'b', 'c', 'd']) await writer.written([event(name)]);
  assert.deepEqual(drops, Array(3).fill([2, 'http://hook/']));
  assert.equal(said.length, 2, 'once for each time that it was full');
});

test('a change between the reading and the writing causes another reading', async () => {
  const { writer, puts, results } = writing();
  results.push(new StoreError('stale', 'more has begun'));
  let looks = 0;
  await writer.written(async () => {
    looks += 1;
    return [event(`look-${looks}`)];
  });
  assert.deepEqual(puts, ['look-2']);
});

test('a failing event is dropped and logged, and does not block others', async () => {
  const { writer, puts, said, drops, results } = writing();
  results.push(new Error('a fault'));
  await writer.written([event('a')]);
  await writer.written([event('b')]);
  assert.deepEqual(puts, ['b']);
  assert.equal(drops.length, 1);
  assert.match(said.join(), /could not be written/);
});

test('queues are woken when they have new events', async () => {
  const one = writing();
  one.results.push({ put: 0, dropped: new Map() });
  await one.writer.written([event('known')]);
  assert.equal(one.woken, 0);
  await one.writer.written([event('new')]);
  assert.equal(one.woken, 1);
});

test('at the end waiting events are written, but a failing store is neither awaited nor called again', async () => {
  const good = writing();
  good.writer.add([event('a')]);
  await good.writer.close(1_000);
  assert.deepEqual(good.puts, ['a']);

  const { writer, puts, results, said } = writing();
  results.push(...Array.from({ length: 10_000 }, down));
  const given = [writer.written([event('a')])];
  await until('it is being tried', () => results.length < 10_000);
  given.push(writer.written([event('b')]));
  await writer.close(30);
  await Promise.all(given);
  const left = results.length;
  await writer.written([event('late')]);
  assert.equal(results.length, left);
  assert.equal(said.length, 2);
  assert.deepEqual(puts, []);
});
