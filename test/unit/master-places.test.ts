import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { ConnectionId, Epoch, SessionId, TokenId, UniqueSessionId } from '../../src/protocol/ids.ts';
import { ConnectionSecrets } from '../../src/server/master/owner/connection-secrets.ts';
import {
  type PendingPlace,
  type PlaceNames,
  type PlaceOptions,
  Places,
  type PlacesParts,
} from '../../src/server/master/owner/places.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import type { ConnectionRecord, SessionRecord, Store } from '../../src/server/store/store.ts';

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
const options: PlaceOptions = { role: 'PUBLISHER', serverData: 'd', record: true, customIceServers: [] };
const names: PlaceNames = {
  connectionId: 'con_1' as ConnectionId,
  tokenSalt: 'salt-1',
  asked: { key: 'k', fingerprint: 'f' },
};

const secrets = new ConnectionSecrets(Secrets.of('the secret of the cluster'));
const MINUTE = 60_000;

function tokenOf(record: ConnectionRecord): TokenId {
  const token = secrets.tokenOf(record);
  assert.ok(token);
  return token;
}

describe('Places', () => {
  let stored: Map<ConnectionId, ConnectionRecord>;
  let works: boolean;
  let now: number;
  let places: Places;

  /** The state of an owner that begins, or takes over the store's state. */
  function newPlaces(): Places {
    const store: Pick<Store, 'putConnection' | 'removeConnection'> = {
      putConnection: async (record) => {
        stored.set(record.connectionId, record);
      },
      removeConnection: async ({ connectionId }) => {
        stored.delete(connectionId);
      },
    };
    const parts: PlacesParts = {
      session,
      secrets,
      now: () => now,
      write: async (work) => {
        if (!works) throw new ProtocolError('UNAVAILABLE');
        return work(store as Store);
      },
    };
    return new Places(parts);
  }

  function takenOver(): Places {
    const next = newPlaces();
    next.adopt([...stored.values()]);
    return next;
  }

  function pendingOf(record: ConnectionRecord, owner = places): PendingPlace {
    const claim = owner.claim(tokenOf(record));
    assert.equal(claim.kind, 'pending');
    return claim.place;
  }

  beforeEach(() => {
    stored = new Map();
    works = true;
    now = 1_000_000;
    places = newPlaces();
  });

  it('have their own names by default', async () => {
    const [one, two] = await Promise.all([places.create(options), places.create(options)]);
    assert.notEqual(one.connectionId, two.connectionId);
    assert.equal(places.pending.length, 2);
    assert.equal(stored.size, 2);
  });

  it('are made once under the same names, even simultaneously and by another owner', async () => {
    const [one, two] = await Promise.all([places.create(options, names), places.create(options, names)]);
    assert.equal(one, two);
    assert.equal(await places.create(options, names), one);
    assert.equal(places.pending.length, 1);
    const next = takenOver();
    assert.deepEqual(await next.create(options, names), one);
    assert.equal(next.pending.length, 1);
  });

  it('are not made again under the names of an ended one', async () => {
    const made = await places.create(options, names);
    await places.remove(pendingOf(made));
    for (const owner of [places, takenOver()]) {
      const again = await owner.create(options, names);
      assert.equal(tokenOf(again), tokenOf(made));
      assert.equal(owner.pending.length, 0);
    }
  });

  it('are forgotten an hour after their end, and only then', async () => {
    const hour = 60 * 60 * 1000;
    const gone = await places.create(options, names);
    const stays = await places.create(
      { ...options, expiresInMs: 3 * hour },
      { ...names, connectionId: 'con_2' as ConnectionId },
    );
    await places.forget(gone);
    now += hour - 1;
    assert.equal((await places.create(options, names)).createdAt, 1_000_000);
    now += hour;
    assert.equal((await places.create(options, names)).createdAt, now);
    assert.equal((await places.create(options, { ...names, connectionId: stays.connectionId })).createdAt, 1_000_000);
  });

  it('can be made after a failure of the store', async () => {
    works = false;
    await assert.rejects(places.create(options, names), ProtocolError);
    assert.equal(places.pending.length, 0);
    works = true;
    await places.create(options, names);
    assert.equal(places.pending.length, 1);
  });

  it('stay when the store cannot record their end', async () => {
    const made = await places.create(options);
    const place = pendingOf(made);
    works = false;
    await assert.rejects(places.remove(place), ProtocolError);
    assert.equal(pendingOf(made), place);
  });

  it('change in the store first, and not during a join', async () => {
    const place = pendingOf(await places.create(options));
    await places.change(place, { ...place.record, role: 'SUBSCRIBER' });
    assert.equal(place.record.role, 'SUBSCRIBER');
    assert.equal(stored.get(place.record.connectionId)?.role, 'SUBSCRIBER');
    works = false;
    await assert.rejects(places.change(place, { ...place.record, role: 'MODERATOR' }), ProtocolError);
    assert.equal(place.record.role, 'SUBSCRIBER');
    assert.equal(place.busy, false);
    works = true;
    place.busy = true;
    await assert.rejects(places.change(place, { ...place.record, role: 'MODERATOR' }), { code: 'UNAVAILABLE' });
  });

  it('have tokens that only the secret reveals', async () => {
    const own = [{ url: 'turn:turn.example.org', username: 'ann-7', credential: 'hunter2' }];
    const one = await places.create({ ...options, customIceServers: own });
    const token = tokenOf(one);
    assert.match(token, /^tok_[A-Za-z0-9]{22}$/);
    const text = JSON.stringify([...stored.values()]);
    for (const hidden of [token, token.slice(4), 'hunter2', 'ann-7'])
      assert.equal(text.includes(hidden), false, hidden);
    assert.deepEqual(secrets.iceServersOf(one), own);
    // Any owner computes the same, even with another current secret.
    const next = new ConnectionSecrets(Secrets.of('another secret', 'the secret of the cluster'));
    assert.equal(next.tokenOf(one), token);
    assert.deepEqual(next.iceServersOf(one), own);
    const thief = new ConnectionSecrets(Secrets.of('not the secret'));
    assert.equal(thief.tokenOf(one), undefined);
    assert.deepEqual(thief.iceServersOf(one), []);
    // Two seats that differ only by their salt have different tokens, and the sealed data of one does not open for
    // another.
    const other = await places.create(options);
    assert.notEqual(tokenOf({ ...one, ...secrets.seal(one, []) }), token);
    assert.notEqual(other.tokenSalt, one.tokenSalt);
    assert.deepEqual(secrets.iceServersOf({ ...other, sealedIceServers: one.sealedIceServers ?? '' }), []);
  });

  it('expire, are refused with a named error for an hour, and are then forgotten', async () => {
    const made = await places.create(options);
    const short = await places.create({ ...options, expiresInMs: 1_000 }, names);
    assert.deepEqual([made.expiresAt, short.expiresAt], [now + 15 * MINUTE, now + 1_000]);
    now += 999;
    assert.equal(places.claim(tokenOf(short)).kind, 'pending');
    now += 1;
    for (const owner of [places, takenOver()]) {
      assert.equal(owner.claim(tokenOf(short)).kind, 'expired');
      assert.deepEqual(
        owner.pending.map(({ record }) => record.connectionId),
        [made.connectionId],
      );
    }
    now += 15 * MINUTE;
    assert.deepEqual([places.claim(tokenOf(made)).kind, places.pending.length], ['expired', 0]);
    now += 44 * MINUTE;
    places.sweep();
    assert.deepEqual([places.claim(tokenOf(short)).kind, stored.size], ['expired', 2]);
    now += 2 * MINUTE;
    places.sweep();
    assert.deepEqual([places.claim(tokenOf(short)).kind, stored.size], ['unknown', 1]);
    now += 60 * MINUTE;
    places.sweep();
    assert.deepEqual([places.claim(tokenOf(made)).kind, stored.size], ['unknown', 0]);
  });

  it('remember a limited number of expired tokens', async () => {
    for (let n = 0; n < 10_005; n += 1) {
      now += 1;
      await places.create({ ...options, expiresInMs: 1_000 });
    }
    now += 2 * MINUTE;
    places.sweep();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stored.size, 10_000);
  });

  it('do not expire during or after a join, and count as used until an hour after the end', async () => {
    const made = await places.create({ ...options, expiresInMs: 1_000 });
    const place = pendingOf(made);
    place.busy = true;
    now += 2 * 60 * MINUTE;
    places.sweep();
    assert.equal(places.take(place), true);
    assert.equal(places.take(place), false);
    now += 20 * 60 * MINUTE;
    places.sweep();
    assert.deepEqual(places.claim(tokenOf(made)), { kind: 'used', connectionId: made.connectionId });
    await places.forget(made);
    now += 59 * MINUTE;
    places.sweep();
    assert.equal(places.claim(tokenOf(made)).kind, 'used');
    now += 2 * MINUTE;
    places.sweep();
    assert.equal(places.claim(tokenOf(made)).kind, 'unknown');
  });
});
