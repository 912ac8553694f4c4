import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, it } from 'node:test';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { InternalClient } from '../../src/server/shared/internal-client.ts';
import { LiveLink, type LiveLinkOptions } from '../../src/server/shared/live-link.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { askWitnesses } from '../../src/server/shared/witness.ts';
import { FaultNet } from '../fixtures/faults/fault-net.ts';
import { type LivingNode, livingNode } from '../fixtures/living-node.ts';
import { until } from '../fixtures/until.ts';

const SECRET = 'live-link-test';
const BEAT = { beatMs: 100, verdictMs: 600 };

interface Living extends LivingNode {
  /** Its address for others, through the net. */
  readonly at: string;
}

describe('LiveLink', { timeout: 30_000 }, () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Makes a net with `master-1`, which listens. */
  async function aNet(): Promise<FaultNet> {
    const net = new FaultNet(1);
    ends.push(() => net.close());
    await aNode(net, 'master-1');
    return net;
  }

  async function aNode(net: FaultNet, id: string): Promise<Living> {
    const node = await livingNode(id, { secret: SECRET, beatMs: BEAT.beatMs });
    ends.push(node.end);
    return { ...node, at: await net.reachedAt({ id, role: 'master', url: node.identity.url }) };
  }

  /** Records the events of the node for `master-1`. */
  function listenTo(at: string, options: Partial<LiveLinkOptions> = {}): { link: LiveLink; told: string[] } {
    const who = 'master-1@test' as InstanceId;
    const client = new InternalClient(Secrets.of(SECRET), who);
    const link = new LiveLink(at, client, { ...BEAT, ...options });
    const told: string[] = [];
    link.on('up', () => told.push('up'));
    link.on('unreachable', () => told.push('unreachable'));
    link.on('dead', (_instance, how) => told.push(`dead ${how}`));
    ends.push(() => {
      link.close();
      return client.close();
    });
    return { link, told };
  }

  it('ignores a broken stream if the node answers', async () => {
    const net = await aNet();
    const node = await aNode(net, 'master-2');
    const { link, told } = listenTo(node.at);
    await until('it is heard', () => link.instance);
    for (let round = 1; round <= 3; round += 1) {
      node.server.closeAllConnections();
      await once(link, 'beat');
      await once(link, 'beat');
    }
    assert.deepEqual(told, ['up']);
  });

  it('detects a dead node at once', async () => {
    const net = await aNet();
    const node = await aNode(net, 'master-2');
    const { link, told } = listenTo(node.identity.url, { isReachedByOthers: async () => true });
    await until('it is heard', () => link.instance);
    const at = performance.now();
    await node.end();
    await until('it is dead', () => told.length > 1);
    assert.deepEqual(told, ['up', 'dead refused'], 'with proof, no witness is asked');
    assert.ok(performance.now() - at < BEAT.verdictMs, 'without waiting for the verdict time');
  });

  for (const way of ['both', 'there', 'back'] as const) {
    it(`treats a node that others reach as unreachable, not as dead (${way === 'both' ? 'nothing passes' : `nothing passes ${way}`})`, async () => {
      const net = await aNet();
      const node = await aNode(net, 'master-2');
      const witness = await aNode(net, 'media-1');
      const asker = new InternalClient(Secrets.of(SECRET), 'master-1@test' as InstanceId);
      ends.push(() => asker.close());
      const about = node.identity.instance;
      witness.knows.set(about, node.at);
      const { link, told } = listenTo(node.at, {
        isReachedByOthers: async (_instance, withinMs) =>
          (await askWitnesses(asker, [{ url: witness.at, instance: witness.identity.instance }], about, withinMs)) ===
          'reached',
      });
      await until('it is heard', () => link.instance);
      net.stall('master-1', 'master-2', way);
      // If the beats still arrive, only a failing call reveals the fault.
      if (way === 'there') await link.confirm();
      await until('it is unreachable', () => link.unreachable, 5_000);
      assert.equal(link.instance, undefined);
      net.heal();
      await until('it is heard again', () => link.instance, 5_000);
      assert.deepEqual(told, ['up', 'unreachable', 'up']);

      // The same silence, but the witness cannot reach the node either.
      net.stall('master-1', 'master-2', way);
      net.stall('media-1', 'master-2');
      if (way === 'there') await link.confirm();
      await until('it is dead', () => told.length === 4, 5_000);
      assert.deepEqual(told.slice(3), ['dead silent']);
    });
  }

  it('concludes that it is cut off itself when no witness answers', async () => {
    const net = await aNet();
    const node = await aNode(net, 'master-2');
    const witness = await aNode(net, 'media-1');
    const client = new InternalClient(Secrets.of(SECRET), 'master-1@test' as InstanceId);
    ends.push(() => client.close());
    const witnesses = [{ url: witness.at, instance: witness.identity.instance }];
    const about = node.identity.instance;
    witness.knows.set(about, node.at);
    witness.knows.set('x@y' as InstanceId, node.at);
    assert.equal(await askWitnesses(client, witnesses, about, 500), 'reached');
    assert.equal(await askWitnesses(client, witnesses, 'x@y' as InstanceId, 500), 'unreached');
    assert.equal(await askWitnesses(client, witnesses, 'master-9@nobody' as InstanceId, 500), 'noAnswer');
    net.stall('master-1', 'media-1');
    assert.equal(await askWitnesses(client, witnesses, about, 500), 'noAnswer');
    assert.equal(await askWitnesses(client, [], about, 500), 'noAnswer');
  });

  it('does not mistake an address with nonsensical answers for the node', async () => {
    const odd = createServer((_request, response) => response.end('hello'));
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    ends.push(() => odd.close());
    const { port } = odd.address() as { port: number };
    const { link, told } = listenTo(`http://127.0.0.1:${port}`);
    assert.equal(await link.confirm(), true);
    assert.deepEqual(told, []);
  });
});
