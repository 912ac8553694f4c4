import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { types } from 'mediasoup';
import { pino } from 'pino';
import type { Epoch, SessionId, UniqueSessionId } from '../../src/protocol/ids.ts';
import type { Fence } from '../../src/server/media-node/api.ts';
import { Fences } from '../../src/server/media-node/fences.ts';
import { Rooms } from '../../src/server/media-node/rooms.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { FakeMedia } from '../fixtures/media-node/fake-media.ts';

const GRACE = 1_000;

function fence(room: string, epoch: number, owner: string): Fence {
  return {
    sessionId: room.split('_')[0] as SessionId,
    uniqueSessionId: room as UniqueSessionId,
    epoch: epoch as Epoch,
    owner: owner as InstanceId,
  };
}

describe('Rooms', () => {
  let rooms: Rooms;
  let lost: unknown[];
  let listening: Set<string>;

  afterEach(() => mock.timers.reset());
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    lost = [];
    listening = new Set();
    rooms = new Rooms({
      workers: {
        leastLoaded: () => ({
          pid: 1,
          webRtcServer: {} as types.WebRtcServer,
          createRouter: async () => new FakeMedia() as unknown as types.Router,
        }),
      },
      fences: new Fences(),
      isListening: (owner) => listening.has(owner),
      tell: (news, data) => lost.push([news, data]),
      ownerlessGraceMs: GRACE,
      mediaCommandMs: 100,
      log: pino({ level: 'silent' }),
    });
  });

  function listens(owner: string, begins: boolean): void {
    if (begins) listening.add(owner);
    else listening.delete(owner);
    rooms.ownerListens(owner as InstanceId, begins);
  }

  const ownerless = (room: string, epoch: number) => ['roomLost', { uniqueSessionId: room, epoch, cause: 'ownerless' }];

  it('keeps a room while its owner listens, and for a grace period after that', async () => {
    listens('a', true);
    await rooms.open(fence('r_1', 1, 'a'));
    mock.timers.tick(10 * GRACE);
    listens('a', false);
    mock.timers.tick(GRACE - 1);
    assert.deepEqual(lost, []);
    mock.timers.tick(1);
    assert.deepEqual(lost, [ownerless('r_1', 1)]);
    assert.equal(rooms.size.rooms, 0);
  });

  it('gives an owner that never listened the same grace period, and a late one a whole new period', async () => {
    await rooms.open(fence('r_1', 1, 'a'));
    await rooms.open(fence('q_1', 1, 'b'));
    mock.timers.tick(GRACE - 1);
    listens('a', true);
    mock.timers.tick(1);
    assert.deepEqual(lost, [ownerless('q_1', 1)]);
    mock.timers.tick(10 * GRACE);
    listens('a', false);
    mock.timers.tick(GRACE - 1);
    assert.equal(lost.length, 1);
    mock.timers.tick(1);
    assert.deepEqual(lost.slice(1), [ownerless('r_1', 1)]);
  });

  it('belongs to the new owner after a claim, whatever the old one does', async () => {
    listens('a', true);
    await rooms.open(fence('r_1', 1, 'a'));
    listens('a', false);
    mock.timers.tick(GRACE - 1);
    rooms.at(fence('r_1', 2, 'b'));
    mock.timers.tick(GRACE - 1);
    listens('b', true);
    listens('a', true);
    listens('a', false);
    mock.timers.tick(10 * GRACE);
    assert.deepEqual(lost, []);
    listens('b', false);
    mock.timers.tick(GRACE);
    assert.deepEqual(lost, [ownerless('r_1', 2)]);
  });

  it('keeps a superseded life for a grace period, whichever master listens, and the new one for good', async () => {
    listens('a', true);
    await rooms.open(fence('r_1', 1, 'a'));
    await rooms.open(fence('other_1', 1, 'a'));
    await rooms.open(fence('r_2', 2, 'a'));
    mock.timers.tick(GRACE / 2);
    listens('a', false);
    listens('a', true);
    await rooms.open(fence('r_3', 3, 'a'));
    mock.timers.tick(GRACE / 2);
    assert.deepEqual(lost, [ownerless('r_1', 1)]);
    mock.timers.tick(GRACE / 2);
    assert.deepEqual(lost.slice(1), [ownerless('r_2', 2)]);
    mock.timers.tick(10 * GRACE);
    assert.equal(lost.length, 2);
    assert.equal(rooms.size.rooms, 2);
  });

  it('does not report rooms that end by command', async () => {
    await rooms.open(fence('r_1', 1, 'a'));
    await rooms.open(fence('q_1', 1, 'a'));
    let emptied = 0;
    rooms.on('emptied', () => {
      emptied += 1;
    });
    rooms.close(fence('r_1', 1, 'a'));
    assert.equal(emptied, 0);
    rooms.closeAll();
    assert.equal(emptied, 1);
    mock.timers.tick(10 * GRACE);
    assert.deepEqual(lost, []);
  });
});
