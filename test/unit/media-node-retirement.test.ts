import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { Retirement, type RetirementParts } from '../../src/server/media-node/retirement.ts';

class FakeRooms extends EventEmitter<{ emptied: [] }> {
  accepted = true;
  rooms = 0;

  get size() {
    return { rooms: this.rooms, transports: 0, producers: 0, consumers: 0 };
  }

  acceptNew(accepted: boolean): void {
    this.accepted = accepted;
  }

  empty(): void {
    this.rooms = 0;
    this.emit('emptied');
  }
}

describe('Retirement', () => {
  let rooms: FakeRooms;
  let ended: number;
  let told: number;
  let draining: boolean;

  const count = (): void => {
    ended += 1;
  };

  function retirement(end: RetirementParts['end'] | null = count): Retirement {
    return new Retirement({
      rooms,
      end: end ?? undefined,
      isDraining: () => draining,
      changed: () => {
        told += 1;
      },
      log: pino({ level: 'silent' }),
    });
  }

  beforeEach(() => {
    rooms = new FakeRooms();
    ended = 0;
    told = 0;
    draining = false;
  });

  it('ends an idle node, after its announcement', () => {
    const one = retirement();
    assert.deepEqual(one.ask({ retire: true }), { retires: true, rooms: 0 });
    assert.equal(rooms.accepted, false);
    assert.equal(ended, 0);
    one.endIfIdle();
    assert.equal(ended, 1);
  });

  it('waits for its rooms, and then ends the node once', () => {
    rooms.rooms = 2;
    const one = retirement();
    assert.deepEqual(one.ask({ retire: true }), { retires: true, rooms: 2 });
    assert.deepEqual([ended, told, rooms.accepted], [0, 1, false]);
    rooms.empty();
    draining = true;
    rooms.empty();
    assert.equal(ended, 1);
  });

  it('can be revoked', () => {
    rooms.rooms = 1;
    const one = retirement();
    one.ask({ retire: true });
    assert.deepEqual(one.ask({ retire: false }), { retires: false, rooms: 1 });
    assert.equal(rooms.accepted, true);
    rooms.empty();
    assert.equal(ended, 0);
  });

  it('changes nothing on a busy node if it is for idle nodes only', () => {
    rooms.rooms = 1;
    const one = retirement();
    assert.deepEqual(one.ask({ retire: true, onlyIfIdle: true }), { retires: false, rooms: 1 });
    assert.deepEqual([one.retires, told, rooms.accepted], [false, 0, true]);
  });

  it('is refused by a node that is ending, or cannot end itself', () => {
    assert.throws(() => retirement(null).ask({ retire: true }), { code: 'UNAVAILABLE' });
    draining = true;
    assert.throws(() => retirement().ask({ retire: true }), { code: 'UNAVAILABLE' });
  });
});
