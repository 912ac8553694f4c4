import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import type { Epoch, SessionId, UniqueSessionId } from '../../src/protocol/ids.ts';
import { RoomAudit } from '../../src/server/master/owner/room-audit.ts';
import type { Fence } from '../../src/server/media-node/api.ts';
import { type InstanceId, newIdentity } from '../../src/server/shared/identity.ts';
import { createLogger } from '../../src/server/shared/logging.ts';
import { DEFAULT_TIMING } from '../../src/server/shared/timing.ts';

const MEDIA = { instance: 'media-1@a' as InstanceId, url: 'http://media', beat: undefined, isDoubted: false };
const SELF = newIdentity('master', 'master-1', 'http://self');

function fence(name: string): Fence {
  return {
    sessionId: name as SessionId,
    uniqueSessionId: `${name}_1` as UniqueSessionId,
    epoch: 1 as Epoch,
    owner: SELF.instance,
  };
}

describe('RoomAudit', () => {
  afterEach(() => mock.timers.reset());

  it('closes only a room that is unknown in three consecutive audits', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const rooms = [fence('known'), fence('leaving'), fence('forgotten'), fence('passing')];
    const closed: string[] = [];
    let reachable = true;
    const audit = new RoomAudit({
      self: SELF.instance,
      sessions: {
        get: (id) =>
          id === 'known'
            ? ({ record: { uniqueSessionId: 'known_1' }, room: { node: MEDIA.instance } } as never)
            : id === 'leaving'
              ? ({ record: { uniqueSessionId: 'leaving_1' }, roomsLeft: { isAt: () => true } } as never)
              : undefined,
      },
      directory: { live: () => [MEDIA] },
      client: {
        call: async (url: string, _target: unknown, body: { fence?: Fence }) => {
          if (!reachable) throw new Error('not now');
          if (url.endsWith('/internal/rooms')) return { rooms } as never;
          if (url.endsWith('/closeRoom')) closed.push(String(body.fence?.sessionId));
          return {} as never;
        },
      } as never,
      timing: DEFAULT_TIMING,
      log: createLogger(SELF, 'silent'),
    });
    const look = async (): Promise<void> => {
      mock.timers.tick(5_000);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await look();
    await look();
    rooms.splice(3, 1);
    assert.deepEqual(closed, []);
    await look();
    assert.deepEqual(closed, ['forgotten']);
    // A failed audit does not count, and the count starts over.
    reachable = false;
    await look();
    reachable = true;
    rooms.push(fence('passing'));
    await look();
    await look();
    assert.deepEqual(closed, ['forgotten']);
    audit.close();
  });
});
