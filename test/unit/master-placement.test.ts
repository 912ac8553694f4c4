import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Directory, DirectoryEvents, LiveNode } from '../../src/server/master/cluster/directory.ts';
import { Placement } from '../../src/server/master/owner/media-room.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { type InternalClient, PeerError } from '../../src/server/shared/internal-client.ts';
import { DEFAULT_TIMING } from '../../src/server/shared/timing.ts';
import type { SessionRecord } from '../../src/server/store/store.ts';

const OWNER = 'master-1@a' as InstanceId;
const SESSION = { sessionId: 'r', uniqueSessionId: 'r_1', epoch: 1, properties: {} } as object as SessionRecord;

class FakeDirectory extends EventEmitter<DirectoryEvents> {
  nodes: LiveNode[] = [1, 2, 3].map((number) => ({
    instance: `media-${number}@a` as InstanceId,
    url: `http://media-${number}`,
    beat: { kind: 'beat', load: number * 20, ready: true, facts: {} },
    isDoubted: false,
  }));

  live(): LiveNode[] {
    return this.nodes;
  }

  find(instance: InstanceId): LiveNode | undefined {
    return this.nodes.find((node) => node.instance === instance);
  }

  doubt(instance: InstanceId, isDoubted: boolean): void {
    this.nodes = this.nodes.map((node) => (node.instance === instance ? { ...node, isDoubted } : node));
  }

  bury(instance: InstanceId): void {
    this.nodes = this.nodes.filter((node) => node.instance !== instance);
    this.emit('dead', instance, 'media-node', 'silent');
  }
}

class Fixture {
  readonly directory = new FakeDirectory();
  /** Commands in the order of arrival, with their time limits. */
  readonly calls: string[] = [];
  readonly silent = new Set<string>();
  readonly placement: Placement;

  constructor() {
    const call = async (url: string, _target: unknown, _body: unknown, timeoutMs: number): Promise<object> => {
      const { host, pathname } = new URL(url);
      this.calls.push(`${host} ${pathname.split('/').at(-1)} ${timeoutMs}`);
      if (!this.silent.has(host)) return { roomId: `room at ${host}`, rtpCapabilities: {} };
      await new Promise((resolve) => setTimeout(resolve, timeoutMs / 10));
      throw new PeerError('timeout', url);
    };
    const directory = this.directory as unknown as Directory;
    this.placement = new Placement(directory, { call } as object as InternalClient, DEFAULT_TIMING);
  }

  async place(wishes?: Parameters<Placement['place']>[2]): Promise<string> {
    const { media } = await this.placement.place(SESSION, OWNER, wishes);
    return media.id;
  }
}

const [FIRST, SECOND] = ['media-1@a', 'media-2@a'] as [InstanceId, InstanceId];

describe('Placement', () => {
  it("gives a node half a verdict's time, tries the next, and closes a room that opens late", async () => {
    const is = new Fixture();
    is.silent.add('media-1');
    assert.equal(await is.place(), 'room at media-2');
    assert.deepEqual(is.calls, ['media-1 openRoom 1500', 'media-2 openRoom 1500', 'media-1 closeRoom 5000']);
  });

  it('does not wait for a node that is found dead meanwhile', async () => {
    const is = new Fixture();
    is.silent.add('media-1');
    const since = performance.now();
    const placing = is.place();
    is.directory.bury(FIRST);
    assert.equal(await placing, 'room at media-2');
    assert.ok(performance.now() - since < 100);
  });

  it('tries doubted nodes last, like nodes with a room that the session is leaving; an excluded one never', async () => {
    const is = new Fixture();
    is.directory.doubt(FIRST, true);
    assert.equal(await is.place(), 'room at media-2');
    assert.equal(await is.place({ last: new Set([SECOND]) }), 'room at media-3');
    is.silent.add('media-2').add('media-3');
    assert.equal(await is.place(), 'room at media-1');
    await assert.rejects(is.place({ never: FIRST }), { code: 'UNAVAILABLE' });
    is.directory.doubt(FIRST, false);
    is.calls.length = 0;
    await is.place();
    assert.equal(is.calls[0], 'media-1 openRoom 1500');
  });

  it('never closes a room that is being left because of a late answer', async () => {
    const is = new Fixture();
    is.silent.add('media-2').add('media-3');
    await is.place({ last: new Set([FIRST, SECOND]) });
    assert.ok(is.calls.some((call) => call.startsWith('media-3 closeRoom')));
    assert.ok(!is.calls.some((call) => call.startsWith('media-2 closeRoom')));
  });
});

describe('MediaRoom', () => {
  it('fails at once while its node is dead, and continues when the node returns', async () => {
    const is = new Fixture();
    const { room } = await is.placement.place(SESSION, OWNER);
    let isGone = false;
    room.gone = () => {
      isGone = true;
    };
    is.silent.add('media-1');
    const pending = room.command('inventory', {});
    const { nodes } = is.directory;
    is.directory.bury(FIRST);
    await assert.rejects(pending, { code: 'UNAVAILABLE' });
    is.calls.length = 0;
    await assert.rejects(room.command('inventory', {}), { code: 'UNAVAILABLE' });
    assert.deepEqual(is.calls, []);
    assert.ok(!isGone, 'its media may flow');
    is.directory.nodes = nodes;
    is.silent.clear();
    await room.command('inventory', {});
  });
});
