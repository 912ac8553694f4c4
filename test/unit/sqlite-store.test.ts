import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { type Epoch, newConnectionId, newUniqueSessionId, type SessionId } from '../../src/protocol/ids.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import type { ConnectionRecord, TokenHash } from '../../src/server/store/store.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'rejoin-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => {
  files += 1;
  return join(folder, `${files}.sqlite`);
};

const master = (n: number): InstanceId => `master-${n}@x` as InstanceId;
const room = 'room' as SessionId;
const life = (sessionId = room, owner = master(1)) => ({
  sessionId,
  uniqueSessionId: newUniqueSessionId(sessionId),
  owner,
  failover: 'rebuild' as const,
  createdAt: 1,
  properties: { customSessionId: 'a' },
});

function connectionOf(uniqueSessionId: ConnectionRecord['uniqueSessionId']): ConnectionRecord {
  return {
    connectionId: newConnectionId(),
    sessionId: room,
    uniqueSessionId,
    tokenSalt: 'salt',
    tokenHash: 'hash' as TokenHash,
    role: 'PUBLISHER',
    createdAt: 1,
    expiresAt: 2,
    serverData: '',
  };
}

test('a session id has one life at a time, and each life a higher epoch', async () => {
  const store = new SqliteStore(newFile());
  const first = await store.createSession(life());
  assert.equal(first.epoch, 1);
  await assert.rejects(store.createSession(life()), { code: 'exists' });
  assert.deepEqual(await store.getSession(room), first);
  assert.equal(await store.endSession(first.uniqueSessionId, first.epoch, 'nodeCrashed'), true);
  assert.equal(await store.endSession(first.uniqueSessionId, first.epoch, 'nodeCrashed'), false);
  assert.equal((await store.getEnded(first.uniqueSessionId))?.reason, 'nodeCrashed');
  assert.equal(await store.getSession(room), undefined);
  const second = await store.createSession(life());
  assert.equal(second.epoch, 2);
  // A late write for the first life does not affect the second.
  assert.equal(await store.endSession(first.uniqueSessionId, second.epoch, 'nodeCrashed'), false);
  assert.equal((await store.getSession(room))?.uniqueSessionId, second.uniqueSessionId);
  await store.close();
});

test('a claim raises the epoch, and a former owner cannot write', async () => {
  const store = new SqliteStore(newFile());
  const { uniqueSessionId, epoch } = await store.createSession(life());
  const claimed = await store.claimSession(uniqueSessionId, epoch, master(2));
  assert.equal(claimed.epoch, epoch + 1);
  assert.equal(claimed.owner, master(2));
  await assert.rejects(store.claimSession(uniqueSessionId, epoch, master(3)), { code: 'stale' });
  await assert.rejects(store.placeSession(uniqueSessionId, epoch, master(9)), { code: 'stale' });
  const connection = connectionOf(uniqueSessionId);
  await assert.rejects(store.putConnection(connection, epoch), { code: 'stale' });
  await store.putConnection(connection, claimed.epoch);
  assert.equal((await store.getConnection(connection.connectionId))?.tokenHash, connection.tokenHash);
  assert.equal((await store.listConnections(uniqueSessionId)).length, 1);
  // A replaced master that does not know it yet sees its members leave, but must not remove them.
  await assert.rejects(store.removeConnection(connection, epoch), { code: 'stale' });
  assert.equal((await store.listConnections(uniqueSessionId)).length, 1);
  await store.removeConnection(connection, claimed.epoch);
  assert.equal((await store.listConnections(uniqueSessionId)).length, 0);
  await store.close();
});

test('several connections are written at once, all of them or none', async () => {
  const store = new SqliteStore(newFile());
  const { uniqueSessionId, epoch } = await store.createSession(life());
  const all = [1, 2, 3].map(() => connectionOf(uniqueSessionId));
  await assert.rejects(store.putConnections(all, (epoch + 1) as Epoch), { code: 'stale' });
  const foreign = connectionOf(newUniqueSessionId(room));
  await assert.rejects(store.putConnections([...all, foreign], epoch), { code: 'stale' });
  assert.deepEqual(await store.listConnections(uniqueSessionId), []);
  await store.putConnections(all, epoch);
  assert.equal((await store.listConnections(uniqueSessionId)).length, 3);
  await store.close();
});

test('ended sessions are forgotten after an hour, and the epoch of a reused id still rises', async () => {
  const file = newFile();
  let now = 1_000_000;
  const store = new SqliteStore(file, () => now);
  const ids = Array.from({ length: 10_000 }, (_, n) => `room-${n}` as SessionId);
  const epochs = new Map<SessionId, number>();
  for (const id of ids) {
    const { uniqueSessionId, epoch } = await store.createSession(life(id));
    await store.putConnection(connectionOf(uniqueSessionId), epoch);
    // Every tenth life has had several owners.
    const claimed = id.endsWith('7') ? await store.claimSession(uniqueSessionId, epoch, master(2)) : { epoch };
    await store.endSession(uniqueSessionId, claimed.epoch, 'lastParticipantLeft');
    epochs.set(id, claimed.epoch);
  }
  const rows = (table: string): number => {
    const database = new DatabaseSync(file);
    const { rows } = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number };
    database.close();
    return rows;
  };
  const lease = { id: 'master-1', instance: master(1), role: 'master' as const, url: 'http://a', load: 3 };
  now += 60 * 60 * 1000 - 1;
  await store.renewLease(lease, 60_000);
  assert.equal(rows('sessions'), 10_000);
  now += 60 * 1000 + 1;
  await store.renewLease(lease, 60_000);
  assert.deepEqual([rows('sessions'), rows('connections'), rows('forgotten')], [0, 0, 1]);
  for (const id of ids.slice(0, 10)) {
    const { epoch } = await store.createSession(life(id));
    assert.ok(epoch > (epochs.get(id) ?? 0), `${id}: ${epoch}`);
  }
  await store.close();
});

test('the files of a store are only for its user, even existing ones', async () => {
  const mode = (path: string): number => statSync(path).mode & 0o777;
  const before = process.umask(0);
  try {
    const file = join(folder, 'new', 'store.sqlite');
    const store = new SqliteStore(file);
    await store.createSession(life());
    assert.equal(mode(join(folder, 'new')), 0o700);
    for (const suffix of ['', '-wal', '-shm']) assert.equal(mode(file + suffix), 0o600, suffix);
    await store.close();
    chmodSync(file, 0o644);
    for (const suffix of ['-wal', '-shm']) writeFileSync(file + suffix, '', { mode: 0o644 });
    const again = new SqliteStore(file);
    await again.createSession(life('other' as SessionId));
    for (const suffix of ['', '-wal', '-shm']) assert.equal(mode(file + suffix), 0o600, suffix);
    await again.close();
  } finally {
    process.umask(before);
  }
});

test('signals are kept in order until they have arrived, and only by the owner', async () => {
  const store = new SqliteStore(newFile());
  const { uniqueSessionId, epoch, sessionId } = await store.createSession(life());
  const [ann, bob] = [newConnectionId(), newConnectionId()];
  const keep = (...signals: [connectionId: typeof ann, data: string][]) =>
    store.keepSignals(
      uniqueSessionId,
      epoch,
      signals.map(([connectionId, data]) => ({ connectionId, signal: { id: data, data } })),
    );
  const kept = async (...ids: (typeof ann)[]): Promise<unknown[]> =>
    (await store.listSignals(ids)).map(({ signal }) => signal.data);
  const first = await keep([ann, 'a1'], [bob, 'b1'], [ann, 'a2']);
  const second = await keep([ann, 'a3']);
  assert.ok(second > first);
  assert.deepEqual(await kept(ann), ['a1', 'a2', 'a3']);
  assert.deepEqual(await kept(ann, bob), ['a1', 'b1', 'a2', 'a3']);
  await store.forgetSignals(uniqueSessionId, epoch, [ann], first);
  assert.deepEqual(await kept(ann, bob), ['b1', 'a3']);

  const claimed = await store.claimSession(uniqueSessionId, epoch, master(2));
  await assert.rejects(keep([ann, 'a4']), { code: 'stale' });
  // Clients that seem to have left may be present for the next owner.
  await assert.rejects(store.forgetSignals(uniqueSessionId, epoch, [bob], second), { code: 'stale' });
  // A removed connection has no kept signals.
  await store.removeConnection({ connectionId: ann, uniqueSessionId }, claimed.epoch);
  assert.deepEqual(await kept(ann, bob), ['b1']);
  // The next life of the session delivers the signals kept in the former one; numbers are not reused.
  await store.endSession(uniqueSessionId, claimed.epoch, 'nodeCrashed');
  assert.deepEqual(await kept(bob), ['b1']);
  const next = await store.createSession(life(sessionId));
  await store.forgetSignals(next.uniqueSessionId, next.epoch, [bob], second);
  const signal = { id: 'b2', data: 'b2' };
  const third = await store.keepSignals(next.uniqueSessionId, next.epoch, [{ connectionId: bob, signal }]);
  assert.ok(third > second);
  await store.close();
});

test('of many masters that claim at once, over separate connections to the file, one wins each epoch', async () => {
  for (const seed of seeds(5)) {
    const random = seededRandom(seed);
    const file = newFile();
    const stores = [1, 2, 3].map(() => new SqliteStore(file));
    const first = stores[0];
    assert.ok(first);
    const { uniqueSessionId } = await first.createSession(life());
    const wins: number[] = [];
    let epoch = 1;
    for (let round = 0; round < 30; round += 1) {
      const claims = Array.from({ length: 4 }, async (_, n) => {
        try {
          const record = await pick(random, stores).claimSession(uniqueSessionId, epoch as Epoch, master(n));
          wins.push(record.epoch);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'stale', `SEED=${seed}`);
        }
      });
      await Promise.all(claims);
      epoch += 1;
    }
    assert.deepEqual(
      wins,
      Array.from({ length: 30 }, (_, i) => i + 2),
      `SEED=${seed}`,
    );
    for (const store of stores) await store.close();
  }
});

test('a locked file makes callers wait, not the process', async () => {
  const file = newFile();
  const store = new SqliteStore(file);
  await store.createSession(life());
  const intruder = new DatabaseSync(file);
  intruder.exec('BEGIN EXCLUSIVE');
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
    if (ticks === 20) intruder.exec('COMMIT');
  }, 5);
  const other = await store.createSession(life('other' as SessionId));
  clearInterval(ticking);
  assert.ok(ticks >= 20, 'it did not wait for the lock');
  assert.equal(other.epoch, 1);
  intruder.exec('BEGIN EXCLUSIVE');
  await assert.rejects(store.createSession(life('third' as SessionId)), { code: 'unavailable' });
  intruder.exec('ROLLBACK');
  assert.equal((await store.listSessions({ owner: master(1) })).length, 2);
  intruder.close();
  await store.close();
});

test('leases expire, and a new run of a node replaces the old one', async () => {
  const store = new SqliteStore(newFile());
  const lease = { id: 'master-1', role: 'master' as const, url: 'http://a', load: 3 };
  await store.renewLease({ ...lease, instance: master(1) }, 60_000);
  await store.renewLease({ ...lease, instance: 'master-1@second' as InstanceId }, 60_000);
  await store.renewLease({ ...lease, id: 'gone', instance: 'gone@x' as InstanceId }, -1);
  assert.deepEqual(
    (await store.listNodes()).map(({ instance }) => instance),
    ['master-1@second'],
  );
  await store.dropLease('master-1@second' as InstanceId);
  assert.deepEqual(await store.listNodes(), []);
  await store.close();
});

test('a changed clock neither ends nor extends leases and records', async (t) => {
  const store = new SqliteStore(newFile());
  const lease = { id: 'master-1', instance: master(1), role: 'master', url: 'http://localhost:1', load: 0 } as const;
  await store.renewLease(lease, 60_000);
  await store.renewLease({ ...lease, id: 'master-2', instance: master(2) }, 30);
  const session = await store.createSession(life());
  await store.endSession(session.uniqueSessionId, session.epoch, 'sessionClosedByServer');
  const now = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.mock.timers.enable({ apis: ['Date'] });
  for (const hours of [-1, 2]) {
    t.mock.timers.setTime(now + hours * 60 * 60 * 1_000);
    assert.deepEqual(
      (await store.listNodes()).map(({ id }) => id),
      ['master-1'],
      `${hours} h`,
    );
    await store.renewLease(lease, 60_000);
    assert.ok(await store.getEnded(session.uniqueSessionId), `${hours} h`);
  }
  await store.close();
});

test('processes of one cluster share one time, independent of their clocks; a new cluster uses the clock', async (t) => {
  const file = newFile();
  const older = new SqliteStore(file);
  await older.renewLease({ instance: master(1), id: 'master-1', role: 'master', url: '', load: 0 }, 5_000);
  const real = Date.now();
  t.mock.method(Date, 'now', () => real + 3_600_000);
  const younger = new SqliteStore(file);
  assert.ok(Math.abs(younger.now() - older.now()) < 1_000);
  await older.dropLease(master(1));
  const next = new SqliteStore(file);
  assert.ok(Math.abs(next.now() - Date.now()) < 1_000);
});
