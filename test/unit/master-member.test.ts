import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import type { ConnectionId, Seq } from '../../src/protocol/ids.ts';
import { BUDGETS } from '../../src/server/master/budgets.ts';
import type { AttachmentId, Downward } from '../../src/server/master/link/ports.ts';
import { type JoinedConnection, Member } from '../../src/server/master/owner/member.ts';

const CONNECTION = { connectionId: 'con_1', joined: {} } as unknown as JoinedConnection;
const ATTACHMENT = 'edge#1' as AttachmentId;

/** A present member, and the items for its edge. */
function here(now: () => number): { member: Member; told: Downward[]; sent: () => ServerFrame[] } {
  const told: Downward[] = [];
  const member = new Member(CONNECTION, now);
  member.attach(ATTACHMENT, { down: (item) => told.push(item) });
  return { member, told, sent: () => told.flatMap((item) => ('frame' in item ? item.frame : [])) };
}

const say = (member: Member, from: number) => member.tell('signal', { id: 's', from: `con_${from}` as ConnectionId });

test('a member that acknowledges slowly and delays the others is finally detected', () => {
  let now = 0;
  const { member } = here(() => now);
  for (let n = 0; n < BUDGETS.outboxSignals; n += 1) say(member, n);
  let acknowledged = 0;
  while (member.behindMs(now) <= BUDGETS.farBehindMs) {
    now += 1_000;
    acknowledged += 1;
    member.outbox.acknowledge(acknowledged as Seq);
    assert.equal(member.outbox.overdueMs(0), 0, 'it is never silent');
    assert.ok(now < 120_000, 'it is never detected');
  }
  assert.ok(now > BUDGETS.farBehindMs);
});

test('an absent, quick or harmless member is not lagging', () => {
  let now = 0;
  const pass = (member: Member): number => {
    let most = 0;
    for (const until = now + 200_000; now < until; now += 1_000) most = Math.max(most, member.behindMs(now));
    return most;
  };
  const away = here(() => now).member;
  for (let n = 0; n < BUDGETS.outboxSignals; n += 1) say(away, n);
  away.detach(ATTACHMENT, now);
  assert.equal(pass(away), 0);

  const roomy = here(() => now).member;
  for (let n = 0; n < BUDGETS.outboxSignals / 4; n += 1) say(roomy, n);
  assert.equal(pass(roomy), 0);
});

test('too many events disconnect no member, and answers still find room', () => {
  const { member, told, sent } = here(() => 0);
  for (let n = 0; n < 5_000; n += 1) {
    assert.equal(member.tell('connectionPresence', { connectionId: 'con_2' as ConnectionId, presence: 'away' }), true);
  }
  assert.equal(sent().length, 2_000);
  assert.deepEqual(told.at(-1), { attachment: ATTACHMENT, close: 4408 });
  assert.equal(member.send({ t: 'res', id: 1 as never, data: {} }), true);
  assert.equal(sent().length, 2_000, 'events that would be dropped are not sent');
  assert.equal(member.outbox.size, 1);
});
