import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestQueue } from '../../src/client/signaling/request-queue.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { RequestId, Seq } from '../../src/protocol/ids.ts';
import { LIMITS } from '../../src/protocol/limits.ts';

const seq = 1 as Seq;

test('requests are numbered, answered once, and unprocessed ones are sent again in order', async () => {
  const queue = new RequestQueue(() => 0);
  const one = queue.add('signal', { id: 'a' });
  const two = queue.add('signal', { id: 'b' });
  const three = queue.add('leave', {});
  assert.deepEqual([one.frame.id, two.frame.id, three.frame.id], [1, 2, 3]);
  assert.deepEqual(queue.after(1 as RequestId), [two.frame, three.frame]);
  queue.settle({ t: 'res', seq, id: 2 as RequestId, data: { recipients: 4 } });
  assert.deepEqual(await two.answer, { recipients: 4 });
  queue.settle({ t: 'res', seq, id: 2 as RequestId, data: { recipients: 9 } });
  assert.deepEqual(queue.after(0 as RequestId), [one.frame, three.frame]);
  queue.settle({ t: 'res', seq, id: 1 as RequestId, error: new ProtocolError('NOT_PERMITTED').toWire() });
  await assert.rejects(one.answer, { code: 'NOT_PERMITTED' });
  queue.rejectAll(new ProtocolError('SESSION_DESTROYED'));
  await assert.rejects(three.answer, { code: 'SESSION_DESTROYED' });
  assert.equal(queue.size, 0);
});

test('for another owner, waiting requests are numbered without gaps', async () => {
  const queue = new RequestQueue(() => 0);
  const first = queue.add('signal', { id: 'a' });
  const second = queue.add('signal', { id: 'b' });
  const third = queue.add('signal', { id: 'c' });
  queue.settle({ t: 'res', seq, id: second.frame.id, data: { recipients: 1 } });
  await second.answer;
  queue.renumber(0 as RequestId);
  assert.deepEqual(
    queue.after(0 as RequestId).map(({ id, data }) => [id, (data as { id: string }).id]),
    [
      [1, 'a'],
      [2, 'c'],
    ],
  );
  const fourth = queue.add('leave', {});
  assert.equal(fourth.frame.id, 3);
  queue.settle({ t: 'res', seq, id: 2 as RequestId, data: { recipients: 2 } });
  assert.deepEqual(await third.answer, { recipients: 2 });
  queue.rejectAll(new ProtocolError('SESSION_CLOSED'));
  await assert.rejects(first.answer);
  await assert.rejects(fourth.answer);
});

test('another owner learns the age of a request, but the same owner does not', () => {
  let now = 1_000;
  const queue = new RequestQueue(() => now);
  queue.add('signal', { id: 'a' }).answer.catch(() => {});
  now = 1_500;
  assert.deepEqual(
    queue.after(0 as RequestId).map(({ askedAgoMs }) => askedAgoMs),
    [undefined],
  );
  queue.renumber(0 as RequestId);
  queue.add('signal', { id: 'b' }).answer.catch(() => {});
  now = 2_500;
  assert.deepEqual(
    queue.after(0 as RequestId).map(({ askedAgoMs }) => askedAgoMs),
    [1_500, undefined],
  );
  queue.rejectAll(new ProtocolError('SESSION_CLOSED'));
});

test('too many or too large requests are refused locally, without harm', () => {
  const queue = new RequestQueue(() => 0);
  assert.throws(() => queue.add('signal', { id: 'x', data: 'ä'.repeat(40_000) }), { code: 'FRAME_TOO_LARGE' });
  for (let i = 0; i < LIMITS.pendingRequests; i += 1) queue.add('leave', {}).answer.catch(() => {});
  assert.throws(() => queue.add('leave', {}), { code: 'OUTBOX_OVERFLOW' });
  assert.equal(queue.after(0 as RequestId).length, LIMITS.pendingRequests);
});

test('the largest accepted request also fits for another owner, at any age', () => {
  let now = 0;
  const queue = new RequestQueue(() => now);
  const sizeOf = (frame: object): number => Buffer.byteLength(JSON.stringify(frame));
  for (let length = LIMITS.frameBytes; ; length -= 1) {
    try {
      queue.add('signal', { id: 'a', data: 'x'.repeat(length) }).answer.catch(() => {});
      break;
    } catch (error) {
      assert.equal((error as ProtocolError).code, 'FRAME_TOO_LARGE');
    }
  }
  now = 24 * 60 * 60 * 1_000;
  queue.renumber(4_000_000_000 as RequestId);
  const [again] = queue.after(4_000_000_000 as RequestId);
  assert.ok(again?.askedAgoMs);
  assert.ok(sizeOf(again) <= LIMITS.frameBytes, `${sizeOf(again)}`);
});
