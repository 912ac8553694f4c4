import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { ConnectionId, Epoch, SessionId, TokenId, UniqueSessionId } from '../../src/protocol/ids.ts';
import { type PlaceNames, type PlaceOptions, Places, type PlacesParts } from '../../src/server/master/owner/places.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
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
  token: 'tok_1' as TokenId,
  asked: { key: 'k', fingerprint: 'f' },
};

describe('Places', () => {
  let stored: Map<ConnectionId, ConnectionRecord>;
  let works: boolean;
  let now: number;
  let places: Places;

  /** As an owner has it that begins, or takes over what is in the store. */
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
      write: async (work) => {
        if (!works) throw new ProtocolError('UNAVAILABLE');
        return work(store as Store);
      },
    };
    return new Places(parts, () => now);
  }

  function takenOver(): Places {
    const next = newPlaces();
    next.adopt([...stored.values()]);
    return next;
  }

  beforeEach(() => {
    stored = new Map();
    works = true;
    now = 1_000_000;
    places = newPlaces();
  });

  it('have names of their own unless they are given some', async () => {
    const [one, two] = await Promise.all([places.create(options), places.create(options)]);
    assert.notEqual(one.connectionId, two.connectionId);
    assert.equal(places.pending.size, 2);
    assert.equal(stored.size, 2);
  });

  it('are made once under the same names, also at the same moment and by another owner', async () => {
    const [one, two] = await Promise.all([places.create(options, names), places.create(options, names)]);
    assert.equal(one, two);
    assert.equal(await places.create(options, names), one);
    assert.equal(places.pending.size, 1);
    const next = takenOver();
    assert.deepEqual(await next.create(options, names), one);
    assert.equal(next.pending.size, 1);
  });

  it('are not made again under the names of one that has ended', async () => {
    const made = await places.create(options, names);
    const place = places.pending.get(made.token);
    assert.ok(place);
    await places.remove(place);
    for (const owner of [places, takenOver()]) {
      const again = await owner.create(options, names);
      assert.equal(again.token, made.token);
      assert.equal(owner.pending.size, 0);
    }
  });

  it('are forgotten an hour after their end, and only then', async () => {
    const hour = 60 * 60 * 1000;
    const gone = await places.create(options, names);
    const stays = await places.create(options, { ...names, connectionId: 'con_2' as ConnectionId });
    await places.forget(gone);
    now += hour - 1;
    assert.equal((await places.create(options, names)).createdAt, 1_000_000);
    now += hour;
    assert.equal((await places.create(options, names)).createdAt, now);
    assert.equal((await places.create(options, { ...names, connectionId: stays.connectionId })).createdAt, 1_000_000);
  });

  it('can be made after the store could not be asked', async () => {
    works = false;
    await assert.rejects(places.create(options, names), ProtocolError);
    assert.equal(places.pending.size, 0);
    works = true;
    await places.create(options, names);
    assert.equal(places.pending.size, 1);
  });

  it('stay when the store cannot be told of their end', async () => {
    const { token } = await places.create(options);
    const place = places.pending.get(token);
    assert.ok(place);
    works = false;
    await assert.rejects(places.remove(place), ProtocolError);
    assert.equal(places.pending.get(token), place);
  });

  it('are changed in the store first, and not while somebody joins', async () => {
    const { token } = await places.create(options);
    const place = places.pending.get(token);
    assert.ok(place);
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
});
