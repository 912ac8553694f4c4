import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, type ProtocolErrorCode } from '../../src/protocol/errors.ts';
import { Closings } from '../../src/server/master/owner/closings.ts';

/** A room's closings, before a media node that refuses with `refusal`, or closes. */
class Room {
  refusal: ProtocolErrorCode | undefined;
  now = 0;
  /** Key and order of each command that was sent. */
  readonly sent: string[] = [];
  #orders = 0;
  readonly closings = new Closings({
    send: async (_command, { key, order }) => {
      this.sent.push(`${key} ${order}`);
      if (this.refusal) throw new ProtocolError(this.refusal);
    },
    nextOrder: () => {
      this.#orders += 1;
      return this.#orders;
    },
    now: () => this.now,
  });
}

test('what the media node does not answer is sent again under its number until it does', async () => {
  const room = new Room();
  room.refusal = 'UNAVAILABLE';
  await Promise.all([room.closings.close('closeProducer', 'a'), room.closings.close('closeConsumer', 'b')]);
  await room.closings.sweep();
  assert.deepEqual(room.sent, ['a 1', 'b 2', 'a 1'], 'a node that is silent to one is silent to all');
  room.refusal = undefined;
  await room.closings.sweep();
  await room.closings.sweep();
  assert.deepEqual(room.sent.slice(3), ['b 2', 'a 1'].toSorted());
  assert.equal(room.closings.size, 0);
});

test('any other refusal is final', async () => {
  const room = new Room();
  room.refusal = 'EPOCH_STALE';
  await room.closings.close('closeProducer', 'a');
  assert.equal(room.closings.size, 0);
});

test('what may have been made is closed after the client has had time to ask again', async () => {
  const room = new Room();
  room.closings.unlessAskedAgain('closeProducer', 'a');
  room.now = 4_000;
  await room.closings.sweep();
  assert.deepEqual(room.sent, []);
  room.closings.unlessAskedAgain('closeProducer', 'a');
  room.now = 6_000;
  await room.closings.sweep();
  assert.deepEqual(room.sent, [], 'it was asked for again');
  room.now = 10_000;
  await room.closings.sweep();
  assert.deepEqual(room.sent, ['a 2']);
  assert.equal(room.closings.size, 0);
});
