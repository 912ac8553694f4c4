import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { Directory } from '../../src/server/master/cluster/directory.ts';
import { type InstanceId, newIdentity } from '../../src/server/shared/identity.ts';
import { InternalClient } from '../../src/server/shared/internal-client.ts';
import { createLogger } from '../../src/server/shared/logging.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { DEFAULT_TIMING } from '../../src/server/shared/timing.ts';
import { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { type LivingNode, livingNode } from '../fixtures/living-node.ts';

const SECRET = 'directory-test';
/** Its own reading of the leases comes long after the test. */
const TIMING = { ...DEFAULT_TIMING, beatMs: 100, verdictMs: 600, leaseRenewMs: 60_000 };

describe('Directory', { timeout: 30_000 }, () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function aDirectory(): Promise<{ directory: Directory; enlist: (node: LivingNode) => Promise<void> }> {
    const folder = mkdtempSync(join(tmpdir(), 'rejoin-directory-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    const store = new SqliteStore(join(folder, 'store.sqlite'));
    ends.push(() => store.close());
    const self = newIdentity('master', 'master-1', 'http://127.0.0.1:1');
    const client = new InternalClient(Secrets.of(SECRET), self.instance);
    ends.push(() => client.close());
    const directory = new Directory(self, store, client, TIMING, createLogger(self, 'silent'), () => 0);
    ends.push(() => directory.close());
    await directory.refresh();
    const enlist = async ({ identity }: LivingNode): Promise<void> => {
      await store.renewLease({ ...identity, load: 0 }, TIMING.leaseMs);
    };
    return { directory, enlist };
  }

  async function aMediaNode(): Promise<LivingNode> {
    const node = await livingNode('media-1', { role: 'media-node', secret: SECRET, beatMs: TIMING.beatMs });
    ends.push(node.end);
    return node;
  }

  it('locates a node that has just started and is still unknown', async () => {
    const { directory, enlist } = await aDirectory();
    const node = await aMediaNode();
    await enlist(node);
    assert.equal(directory.find(node.identity.instance), undefined);
    const found = await directory.locate(node.identity.instance);
    assert.equal(found?.url, node.identity.url);
    assert.ok(directory.find(node.identity.instance), 'it listens to the node from now on');
  });

  it('does not wait for an unknown node, nor long for one that does not answer', async () => {
    const { directory, enlist } = await aDirectory();
    assert.equal(await directory.locate('media-9@nobody' as InstanceId), undefined);
    const node = await aMediaNode();
    await enlist(node);
    await node.end();
    assert.equal(await directory.locate(node.identity.instance), undefined);
  });
});
