import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { ConnectionId } from '../../src/protocol/ids.ts';
import type { Placed } from '../../src/server/master/owner/media-room.ts';
import { RoomsLeft } from '../../src/server/master/owner/rooms-left.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { FakeClock } from '../fixtures/fake-clock.ts';

const [ANN, BOB] = ['con_ann', 'con_bob'] as ConnectionId[] as [ConnectionId, ConnectionId];
const NODE = 'media-1@a' as InstanceId;

class Fixture {
  readonly clock = new FakeClock();
  readonly over: string[] = [];
  readonly commands: string[] = [];
  isReachable = true;
  readonly left = new RoomsLeft({ clock: this.clock, over: (mediaId) => this.over.push(mediaId) });

  leave(id: string, guests: readonly ConnectionId[] = [ANN, BOB]): void {
    const command = async (name: string, { key }: { key?: string }): Promise<object> => {
      if (!this.isReachable) throw new ProtocolError('UNAVAILABLE');
      this.commands.push([name, id, key].filter(Boolean).join(' '));
      return {};
    };
    const room = {
      node: NODE,
      command,
      attempt: (name: string, params: object) => void command(name, params).catch(() => {}),
    };
    this.left.add(
      { room, media: { id } } as object as Placed,
      guests.map((client) => ({ client, transports: [`${client}/up`] })),
    );
  }

  /** Lets answers arrive. */
  settled(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

describe('RoomsLeft', () => {
  it('closes a room when every client shows the new media, reports silence of the old, or has left', async () => {
    const is = new Fixture();
    is.leave('first', [ANN, BOB, 'con_cat' as ConnectionId]);
    is.left.shown(ANN, 'second', true);
    is.left.silent('con_cat' as ConnectionId, 'first');
    assert.ok(is.left.isAt(NODE));
    is.clock.advance(59_000);
    assert.deepEqual(is.over, []);
    is.left.gone(BOB);
    assert.deepEqual(is.over, ['first']);
    await is.settled();
    assert.deepEqual(is.commands, ['closeTransport first con_bob/up', 'closeRoom first']);
    assert.ok(!is.left.isAt(NODE));
    assert.equal(is.left.nodes.size, 0);
  });

  it('derives from the order of the rooms which ones a client still needs', async () => {
    const is = new Fixture();
    for (const id of ['first', 'second', 'third']) is.leave(id, [ANN]);
    is.left.shown(ANN, 'of another session', false);
    is.left.silent(ANN, 'of another session');
    assert.deepEqual(is.over, []);
    is.left.shown(ANN, 'second', false);
    assert.deepEqual(is.over, ['first']);
    is.left.shown(ANN, 'fourth', true);
    assert.deepEqual(is.over, ['first', 'second', 'third']);
  });

  it('closes a room without media at once, and any room after a minute', async () => {
    const is = new Fixture();
    is.leave('empty', []);
    assert.deepEqual(is.over, ['empty']);
    is.leave('first');
    is.clock.advance(60_000);
    assert.deepEqual(is.over, ['empty', 'first']);
    await is.settled();
    assert.deepEqual(is.commands, ['closeRoom empty', 'closeRoom first']);
  });

  it('closes a room later if its node did not accept commands, and forgets it with the node', async () => {
    const is = new Fixture();
    is.isReachable = false;
    for (const id of ['first', 'second']) is.leave(id, []);
    await is.settled();
    // The audit of rooms may close it if the node is not heard again.
    assert.ok(!is.left.isAt(NODE));
    assert.ok(is.left.nodes.has(NODE), 'a new room there would be the same one');
    is.isReachable = true;
    is.left.nodeIsBack(NODE);
    await is.settled();
    assert.deepEqual(is.commands, ['closeRoom first', 'closeRoom second']);
    is.leave('third', [ANN]);
    is.left.nodeIsGone(NODE);
    assert.deepEqual(is.over.at(-1), 'third');
    assert.equal(is.left.nodes.size, 0);
  });

  it('ends with its session; if the session continues, no room that clients show is closed', async () => {
    for (const goesOn of [true, false]) {
      const is = new Fixture();
      is.leave('first');
      is.left.end(goesOn);
      await is.settled();
      assert.deepEqual(is.commands, goesOn ? [] : ['closeRoom first']);
      is.clock.advance(60_000);
      assert.deepEqual(is.over, []);
    }
  });
});
