import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Epoch, SessionId, UniqueSessionId } from '../../src/protocol/ids.ts';
import type { Fence } from '../../src/server/media-node/api.ts';
import { Fences } from '../../src/server/media-node/fences.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';

const HOUR = 60 * 60 * 1_000;

function fence(room: string, epoch: number, owner = 'master-1@a'): Fence {
  return {
    sessionId: room.split('_')[0] as SessionId,
    uniqueSessionId: room as UniqueSessionId,
    epoch: epoch as Epoch,
    owner: owner as InstanceId,
  };
}

const stale = { code: 'EPOCH_STALE' };

describe('Fences', () => {
  it('accepts rising epochs and reports a rise', () => {
    const fences = new Fences();
    assert.equal(fences.admit(fence('r_1', 3)), 'raised');
    assert.equal(fences.admit(fence('r_1', 3)), 'same');
    assert.equal(fences.admit(fence('r_1', 5, 'master-2@b')), 'raised');
    assert.throws(() => fences.admit(fence('r_1', 3)), stale);
    assert.throws(() => fences.admit(fence('r_1', 4, 'master-3@c')), stale);
    assert.equal(fences.admit(fence('r_1', 5, 'master-2@b')), 'same');
  });

  it('ties an epoch to one owner and one life', () => {
    const fences = new Fences();
    fences.admit(fence('r_1', 3));
    assert.throws(() => fences.admit(fence('r_1', 3, 'master-2@b')), stale);
    assert.throws(() => fences.admit(fence('r_2', 3)), stale);
    assert.equal(fences.admit(fence('r_2', 4)), 'raised');
    assert.throws(() => fences.admit(fence('r_1', 3)), stale);
  });

  it('keeps sessions apart', () => {
    const fences = new Fences();
    fences.admit(fence('a_1', 9));
    assert.equal(fences.admit(fence('b_1', 1)), 'raised');
  });

  it('forgets fences unused for an hour, but none that protects a room', () => {
    let now = 0;
    const fences = new Fences(() => now);
    fences.admit(fence('old_1', 2));
    fences.admit(fence('room_1', 2));
    now = HOUR / 2;
    fences.admit(fence('young_1', 2));
    const inUse = (sessionId: string): boolean => sessionId === 'room';
    now = HOUR - 1;
    fences.sweep(inUse);
    assert.equal(fences.size, 3);
    now = HOUR;
    fences.sweep(inUse);
    assert.equal(fences.size, 2);
    assert.equal(fences.admit(fence('old_1', 1)), 'raised');
    assert.throws(() => fences.admit(fence('room_1', 1)), stale);
    assert.throws(() => fences.admit(fence('young_1', 1)), stale);
  });
});
