import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ failover: 'takeover', timing: { verdictMs: 900, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

interface Health {
  readonly clusterStatus: string;
  readonly nodes: Record<string, { status: string; id: string; uri: string; disconnectedMediaNodes: string[] }>;
}

async function health(master: string): Promise<Health & { code: number }> {
  const { status, text } = await running.rest('GET', '/health', undefined, { base: running.node(master).url });
  return { ...(JSON.parse(text) as Health), code: status };
}

test('health: up, unstable, down, as seen by all masters together', async () => {
  for (const master of ['master-1', 'master-2']) {
    const up = await until('all is well', async () => {
      const now = await health(master);
      return now.clusterStatus === 'UP' && now;
    });
    assert.equal(up.code, 200);
    assert.deepEqual(Object.keys(up.nodes).sort(), ['master-1', 'master-2']);
    for (const [id, node] of Object.entries(up.nodes)) {
      assert.deepEqual(
        { ...node, id: node.id.split('@')[0] },
        {
          status: 'UP',
          id,
          uri: running.node(id).internalUrl,
          disconnectedMediaNodes: [],
        },
      );
    }
  }
  // Stopped, but not ended: its lease stays valid for a while, and nothing restarts it.
  running.cluster.kill('media-2', 'SIGSTOP');
  try {
    const unstable = await until('it is missed', async () => {
      const now = await health('master-1');
      return now.nodes['master-1']?.disconnectedMediaNodes.includes('media-2') && now;
    });
    assert.deepEqual([unstable.code, unstable.clusterStatus], [409, 'UNSTABLE']);
    running.cluster.kill('media-1', 'SIGSTOP');
    const down = await until('none is available', async () => {
      const now = await health('master-1');
      return now.clusterStatus === 'DOWN' && now;
    });
    assert.equal(down.code, 503);
  } finally {
    for (const id of ['media-1', 'media-2']) running.cluster.kill(id, 'SIGCONT');
  }
  await until('all is well again', async () => (await health('master-2')).clusterStatus === 'UP');
  running.cluster.kill('master-2', 'SIGSTOP');
  try {
    const without = await health('master-1');
    assert.deepEqual(
      [without.code, without.nodes['master-2']?.status, without.nodes['master-1']?.status],
      [409, 'DOWN', 'UP'],
    );
  } finally {
    running.cluster.kill('master-2', 'SIGCONT');
  }
});

test('a living master that does not answer: an error instead of an incomplete list', async () => {
  const { url } = running.node('master-1');
  running.cluster.kill('master-2', 'SIGSTOP');
  try {
    const refused = await running.rest('GET', '/sessions', undefined, { base: url });
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(String(refused.json['message']), /master-2.*Try again/);
  } finally {
    running.cluster.kill('master-2', 'SIGCONT');
  }
  await until(
    'it answers again',
    async () => (await running.rest('GET', '/sessions', undefined, { base: url })).status === 200,
  );
});

test('media nodes, field by field', async () => {
  const member = await Asker.join(running, 'fields');
  const carrier = await running.mediaNodeOf('fields');
  const { status, json } = await running.rest('GET', '/media-nodes');
  assert.equal(status, 200);
  assert.equal(json['numberOfElements'], 2);
  for (const node of json['content'] as Record<string, unknown>[]) {
    const { id, environmentId, ip, uri, launchingTime, connectionTime, load, sessions, ...rest } = node;
    assert.deepEqual(rest, { object: 'mediaNode', connected: true, status: 'running', recordingIds: [] });
    assert.match(String(environmentId), new RegExp(`^${id}@`));
    assert.equal(uri, running.node(String(id)).internalUrl);
    assert.equal(ip, '127.0.0.1');
    assert.ok(Number(launchingTime) <= Date.now() && Number(launchingTime) > Date.now() - 600_000);
    assert.ok(Number(connectionTime) <= Date.now() && Number(connectionTime) > Date.now() - 600_000);
    assert.ok(Number(load) >= 0 && Number(load) <= 100);
    const ids = (sessions as { id: string }[]).map((session) => session.id);
    assert.deepEqual(ids, id === carrier ? ['fields'] : []);
    const { load: _load, ...one } = (await running.rest('GET', `/media-nodes/${id}`)).json;
    assert.equal(one['environmentId'], environmentId);
  }
  const unknown = await running.rest('GET', '/media-nodes/media-9');
  assert.equal(unknown.status, 404);
  assert.match(String(unknown.json['message']), /media-1, media-2/);
  await member.leave();
});

test('a media node with sessions ends only with the explicit strategy, and then they move', async () => {
  const client = new SdkClient();
  await client.session.connect(await running.token('moves'));
  const node = await running.mediaNodeOf('moves');
  const { pid } = running.node(node);
  for (const query of ['', '?deletion-strategy=if-no-sessions', '?wait&deletion-strategy=if-no-sessions']) {
    const refused = await running.rest('DELETE', `/media-nodes/${node}${query}`);
    assert.equal(refused.status, 409, refused.text);
    assert.match(String(refused.json['message']), /carries 1 session\. Use deletion-strategy=when-no-sessions/);
  }
  assert.equal((await running.rest('DELETE', `/media-nodes/${node}?deletion-strategy=soon`)).status, 400);
  assert.equal((await running.rest('DELETE', '/media-nodes/media-9')).status, 404);
  const accepted = await running.rest('DELETE', `/media-nodes/${node}?deletion-strategy=when-no-sessions`);
  assert.equal(accepted.status, 202, accepted.text);
  assert.deepEqual([accepted.json['id'], accepted.json['status']], [node, 'terminating']);
  await running.restarted(node, pid);
  assert.notEqual(await running.mediaNodeOf('moves'), node);
  await client.session.signal({ data: 'still here' });
  assert.equal(client.count('sessionDestroyed') + client.count('sessionDisconnected'), 0);
  client.session.disconnect();
});

test('a media node without sessions is ended at once', async () => {
  for (const query of ['?wait=true', '?wait=true&deletion-strategy=now', '?wait&deletion-strategy=when-no-sessions']) {
    await running.rested();
    await until(
      'it is listed',
      async () => (await running.rest('GET', '/media-nodes/media-2')).json['status'] === 'running',
    );
    const { pid } = running.node('media-2');
    const ended = await running.rest('DELETE', `/media-nodes/media-2${query}`);
    assert.deepEqual([ended.status, ended.text], [204, ''], query);
    await running.restarted('media-2', pid);
  }
});

test('a media node waits until its sessions have ended, and this can be revoked', async () => {
  const member = await Asker.join(running, 'waits');
  const node = await running.mediaNodeOf('waits');
  const other = node === 'media-1' ? 'media-2' : 'media-1';
  const { pid } = running.node(node);
  const patch = (status: string) => running.rest('PATCH', `/media-nodes/${node}`, { status });
  const status = async (): Promise<unknown> => (await running.rest('GET', `/media-nodes/${node}`)).json['status'];
  const waiting = await patch('waiting-idle-to-terminate');
  assert.deepEqual([waiting.status, waiting.json['status']], [200, 'waiting-idle-to-terminate'], waiting.text);
  assert.equal((waiting.json['sessions'] as unknown[]).length, 1);
  await until('all masters know', async () => (await status()) === 'waiting-idle-to-terminate');
  assert.equal((await running.rest('POST', '/sessions', { mediaNode: { id: node } })).status, 404);
  for (const room of ['new-1', 'new-2', 'new-3']) {
    const visitor = await Asker.join(running, room);
    assert.equal(await running.mediaNodeOf(room), other);
    await visitor.leave();
  }
  assert.equal(await running.mediaNodeOf('waits'), node);
  const back = await patch('running');
  assert.equal(back.status, 200);
  await until('it is back', async () => (await status()) === 'running');
  assert.equal(running.node(node).pid, pid);

  await patch('waiting-idle-to-terminate');
  await member.leave();
  await running.restarted(node, pid);
  assert.equal((await running.rest('PATCH', `/media-nodes/${node}`, { status: 'launching' })).status, 400);
  assert.equal((await running.rest('PATCH', `/media-nodes/${node}`, {})).status, 400);
  assert.equal((await running.rest('PATCH', '/media-nodes/media-9', { status: 'running' })).status, 404);
});

test('a terminating media node moves its sessions, and this cannot be revoked', async () => {
  const client = new SdkClient();
  await client.session.connect(await running.token('last'));
  const node = await running.mediaNodeOf('last');
  const { pid } = running.node(node);
  const answer = await running.rest('PATCH', `/media-nodes/${node}`, { status: 'terminating' });
  assert.deepEqual([answer.status, answer.json['status']], [200, 'terminating'], answer.text);
  const late = await until('it is too late', async () => {
    const now = await running.rest('PATCH', `/media-nodes/${node}`, { status: 'running' });
    return now.status !== 200 && now;
  });
  assert.ok([404, 409, 503].includes(late.status), late.text);
  await running.restarted(node, pid);
  await client.session.signal({ data: 'still here' });
  client.session.disconnect();
});

test('concurrent requests create and close one session and its connections: answers are 200, 204, 404 or 409, never 503', async () => {
  const room = 'storm';
  const bases = ['master-1', 'master-2'].map((id) => running.node(id).url);
  const counts = new Map<string, number>();
  const ask = async (method: string, path: string, body: unknown, base: string | undefined): Promise<void> => {
    const { status } = await running.rest(method, path, body, { base: base ?? running.url });
    counts.set(`${method} ${status}`, (counts.get(`${method} ${status}`) ?? 0) + 1);
  };
  const worker = async (at: number): Promise<void> => {
    for (let round = 0; round < 40; round += 1) {
      const base = bases[(at + round) % bases.length];
      if (at % 3 === 0) await ask('POST', '/sessions', { customSessionId: room }, base);
      else if (at % 3 === 1) await ask('POST', `/sessions/${room}/connection`, {}, base);
      else await ask('DELETE', `/sessions/${room}`, undefined, base);
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, at) => worker(at)));
  const unexpected = [...counts].filter(([key]) => !/ (200|204|404|409)$/.test(key));
  assert.deepEqual(unexpected, [], JSON.stringify([...counts]));
  for (const key of ['POST 200', 'POST 409', 'POST 404', 'DELETE 204'])
    assert.ok(counts.get(key), `${key} never happened`);
  await running.rest('DELETE', `/sessions/${room}`);
});
