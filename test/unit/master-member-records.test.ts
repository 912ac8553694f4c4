import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { ConnectionId, Epoch, ResumeKey, SessionId, UniqueSessionId } from '../../src/protocol/ids.ts';
import type { AttachmentId } from '../../src/server/master/link/ports.ts';
import { type JoinedConnection, Member } from '../../src/server/master/owner/member.ts';
import { MemberRecords } from '../../src/server/master/owner/member-records.ts';
import { hashResumeKey, withNextKey } from '../../src/server/master/owner/resume-keys.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { ConnectionRecord, SessionRecord, Store, TokenHash } from '../../src/server/store/store.ts';

const session: SessionRecord = {
  sessionId: 's' as SessionId,
  uniqueSessionId: 's_1' as UniqueSessionId,
  epoch: 1 as Epoch,
  owner: 'master-1@a' as InstanceId,
  mediaNode: undefined,
  failover: 'takeover',
  createdAt: 0,
  properties: {},
};

function member(name: string): Member {
  const record: JoinedConnection = {
    connectionId: `con_${name}` as ConnectionId,
    sessionId: session.sessionId,
    uniqueSessionId: session.uniqueSessionId,
    tokenSalt: 'salt',
    tokenHash: 'hash' as TokenHash,
    role: 'PUBLISHER',
    createdAt: 1,
    expiresAt: 2,
    serverData: '',
    joined: {
      activeAt: 1,
      clientData: '',
      ip: '',
      platform: '',
      joinKey: 'join',
      resumeKeyHash: hashResumeKey('first'),
    },
  };
  return new Member(record);
}

describe('MemberRecords', () => {
  let stored: Map<ConnectionId, ConnectionRecord>;
  let writes: number;
  let mayRenewKey: boolean;
  let fails: boolean;
  /** Holds back writes of changes until it resolves. */
  let gate: Promise<void>;
  let members: Map<ConnectionId, Member>;
  let forgotten: ConnectionId[];
  let records: MemberRecords;

  function add(name: string): Member {
    const one = member(name);
    members.set(one.id, one);
    return one;
  }

  const resumed = (one: Member, key: string): Promise<void> =>
    records.change(one, (record) => {
      const joined = withNextKey(record.joined, hashResumeKey('first'), hashResumeKey(key));
      return joined && { ...record, joined };
    });

  beforeEach(() => {
    stored = new Map();
    writes = 0;
    fails = false;
    mayRenewKey = true;
    gate = Promise.resolve();
    members = new Map();
    forgotten = [];
    const store: Pick<Store, 'putConnections'> = {
      putConnections: async (all) => {
        writes += 1;
        await gate;
        if (fails) throw new ProtocolError('UNAVAILABLE');
        for (const record of all) stored.set(record.connectionId, record);
      },
    };
    records = new MemberRecords({
      session,
      members,
      places: { forget: async ({ connectionId }) => void forgotten.push(connectionId) },
      mayRenewKey: () => mayRenewKey,
      write: (work) => work(store as Store),
      log: pino({ level: 'silent' }),
    });
  });

  it('leave resume keys and the store unchanged if too many would change at a time', async () => {
    const ann = add('ann');
    mayRenewKey = false;
    assert.equal(await records.renewKey(ann, 'first' as ResumeKey), 'first');
    assert.equal(writes, 0);
    mayRenewKey = true;
    assert.notEqual(await records.renewKey(ann, 'first' as ResumeKey), 'first');
    assert.equal(writes, 1);
  });

  it('write thousands of simultaneous changes once', async () => {
    const all = Array.from({ length: 5_000 }, (_, n) => add(`${n}`));
    await Promise.all(all.map((one) => resumed(one, 'second')));
    assert.deepEqual([writes, stored.size], [1, 5_000]);
    for (const one of all) assert.ok(one.provesToBe('first') && one.provesToBe('second'));
  });

  it('change a member only after the store has the change, together with simultaneous ones', async () => {
    const [ann, bob] = [add('ann'), add('bob')];
    fails = true;
    const both = await Promise.allSettled([resumed(ann, 'second'), resumed(bob, 'second')]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(ann.provesToBe('second'), false);
    fails = false;
    await resumed(ann, 'third');
    assert.ok(ann.provesToBe('third'));
  });

  it('do not undo a simultaneous change', async () => {
    const ann = add('ann');
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = resumed(ann, 'second');
    const second = records.change(ann, (record) => ({ ...record, role: 'SUBSCRIBER' }));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const third = records.change(ann, (record) => ({ ...record, record: false }));
    open();
    await Promise.all([first, second, third]);
    for (const record of [ann.record, stored.get(ann.id)]) {
      assert.deepEqual([record?.role, record?.record], ['SUBSCRIBER', false]);
      assert.deepEqual(record?.joined?.nextKeyHashes, [hashResumeKey('second')]);
    }
  });

  it('do not restore a key that was invalidated during a write', async () => {
    const ann = add('ann');
    await resumed(ann, 'second');
    ann.attach('edge@a#1' as AttachmentId, { down: () => {} });
    ann.handOut('second');
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const late = resumed(ann, 'third');
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ann.proveKey(), true);
    assert.equal(ann.proveKey(), false);
    records.proven(ann);
    open();
    await late;
    assert.deepEqual(
      ['first', 'second', 'third'].filter((key) => ann.provesToBe(key)),
      ['second'],
    );
    // The next sweep updates the store, or the one after if the store does not answer.
    fails = true;
    records.sweep();
    await new Promise((resolve) => setTimeout(resolve, 5));
    fails = false;
    records.sweep();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { joined } = stored.get(ann.id) ?? {};
    assert.deepEqual(
      [joined?.resumeKeyHash, joined?.nextKeyHashes, joined?.joinKey],
      [hashResumeKey('second'), undefined, undefined],
    );
    const before = writes;
    records.sweep();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(writes, before, 'it is written once');
  });

  it('do not write a member that has left', async () => {
    const [ann, bob] = [add('ann'), add('bob')];
    members.delete(ann.id);
    await resumed(ann, 'second');
    assert.equal(writes, 0);
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const late = resumed(bob, 'second');
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    members.delete(bob.id);
    open();
    await late;
    assert.deepEqual(forgotten, [bob.id]);
  });
});
