import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectionEvent, SessionDisconnectedEvent } from '../../src/client/events.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
after(() => running.stop());
beforeEach(() => running.rested());

async function join(room: string, role: string): Promise<SdkClient> {
  const client = new SdkClient();
  await client.session.connect(await running.token(room, { role }));
  return client;
}

test('a moderator disconnects a participant: all get an event with this reason', async () => {
  const room = 'moderation-out';
  const [host, ann, bob] = [
    await join(room, 'MODERATOR'),
    await join(room, 'PUBLISHER'),
    await join(room, 'SUBSCRIBER'),
  ];
  const annOfHost = await connectionOf(host, ann);
  await host.session.forceDisconnect(annOfHost);
  const { detail } = await ann.happened('sessionDisconnected');
  assert.equal((detail as SessionDisconnectedEvent).reason, 'forceDisconnectByUser');
  for (const other of [host, bob]) {
    const { connection, reason } = (await other.happened('connectionDestroyed')).detail as ConnectionEvent;
    assert.deepEqual([connection.connectionId, reason], [annOfHost.connectionId, 'forceDisconnectByUser']);
  }
  assert.equal(ann.session.state, 'ended');
  await assert.rejects(host.session.forceDisconnect(annOfHost), { name: 'GENERIC_ERROR', code: 'CONNECTION_UNKNOWN' });
});

test('other roles may not, and their capabilities say so', async () => {
  const room = 'moderation-denied';
  const host = await join(room, 'MODERATOR');
  const moderation = { forceUnpublish: true, forceDisconnect: true };
  assert.deepEqual(host.session.capabilities, { subscribe: true, publish: true, ...moderation });
  for (const role of ['PUBLISHER', 'SUBSCRIBER']) {
    const client = await join(room, role);
    assert.deepEqual(client.session.capabilities, {
      subscribe: true,
      publish: role === 'PUBLISHER',
      forceUnpublish: false,
      forceDisconnect: false,
    });
    const denied = { name: 'OPENVIDU_PERMISSION_DENIED' };
    await assert.rejects(client.session.forceDisconnect(await connectionOf(client, host)), denied);
    await assert.rejects(client.session.forceUnpublish({ streamId: 'str_1' } as never), denied);
  }
  await assert.rejects(host.session.forceUnpublish({ streamId: 'str_1' } as never), { code: 'STREAM_UNKNOWN' });
  assert.equal(host.count('connectionDestroyed'), 0);
});

/** The connection of `other`, as `client` knows it. */
function connectionOf(client: SdkClient, other: SdkClient): Promise<ConnectionEvent['connection']> {
  const { connectionId } = other.session.connection;
  return until(`${connectionId} is known`, () => {
    const told = client.seen.filter(({ event }) => event === 'connectionCreated');
    const connections = told.map(({ detail }) => (detail as ConnectionEvent).connection);
    return connections.find((connection) => connection.connectionId === connectionId);
  });
}
