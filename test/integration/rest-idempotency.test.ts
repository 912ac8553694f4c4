import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ failover: 'takeover', timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

type Answer = Awaited<ReturnType<RunningCluster['rest']>>;

function post(path: string, key: string, body: unknown, master?: string): Promise<Answer> {
  const base = master ? { base: running.node(master).url } : {};
  return running.rest('POST', path, body, { ...base, headers: { 'idempotency-key': key } });
}

/** Kills the owner; resolves when another master owns the session. */
async function takenOver(room: string): Promise<() => Promise<void>> {
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await until('another owner answers', async () => (await running.rest('GET', `/sessions/${room}`)).status === 200);
  assert.notEqual(await running.ownerOf(room), owner);
  return () => running.restarted(owner, pid);
}

async function count(path: string): Promise<number> {
  return Number((await running.rest('GET', path)).json['numberOfElements']);
}

test('a session is created once, at any master, simultaneously, repeatedly, and after a crash', async () => {
  const before = await count('/sessions');
  const at = ['master-1', 'master-2', undefined];
  const first = await Promise.all(at.map((master) => post('/sessions', 'key-1', {}, master)));
  const [{ json }] = first as [Answer];
  assert.match(String(json['id']), /^ses_[A-Za-z0-9]{10}$/);
  for (const answer of first) assert.deepEqual([answer.status, answer.json], [200, json]);
  const restored = await takenOver(String(json['id']));
  const again = await post('/sessions', 'key-1', {});
  assert.deepEqual([again.status, again.json], [200, json]);
  const other = await post('/sessions', 'key-2', {});
  assert.notEqual(other.json['id'], json['id']);
  assert.equal(await count('/sessions'), before + 2);
  await restored();
});

test('a session with a name: the same request returns it, any other gets 409', async () => {
  const body = { customSessionId: 'named', failover: 'takeover' };
  const made = await post('/sessions', 'named-1', body, 'master-1');
  assert.equal(made.status, 200);
  for (const master of ['master-1', 'master-2']) {
    const again = await post('/sessions', 'named-1', body, master);
    assert.deepEqual([again.status, again.json], [200, made.json], master);
    assert.equal((await post('/sessions', 'named-2', body, master)).status, 409);
    assert.equal((await running.rest('POST', '/sessions', body, { base: running.node(master).url })).status, 409);
    const otherBody = await post('/sessions', 'named-1', { customSessionId: 'named' }, master);
    assert.equal(otherBody.status, 422);
    assert.match(String(otherBody.json['message']), /another body.*choose another key/);
  }
  // The same request makes another session for the next life.
  await running.rest('DELETE', '/sessions/named');
  const anew = await post('/sessions', 'named-1', body);
  assert.equal(anew.status, 200);
  assert.notEqual(anew.json['createdAt'], made.json['createdAt']);
});

test('connections and tokens are made once, also after a crash, after the join, and after the end', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'once' }, { base: running.node('master-1').url });
  const requests = [
    ['/sessions/once/connection', { data: 'd', role: 'MODERATOR' }],
    ['/tokens', { session: 'once', data: 'd' }],
  ] as const;
  const made = new Map<string, Answer>();
  for (const [path, body] of requests) {
    const at = ['master-1', 'master-2', undefined];
    const all = await Promise.all(at.map((master) => post(path, 'same-key', body, master)));
    const [first] = all as [Answer];
    made.set(path, first);
    for (const answer of all) assert.deepEqual([answer.status, answer.json], [200, first.json], answer.text);
    assert.equal((await post(path, 'same-key', { ...body, data: 'other' })).status, 422);
    assert.notEqual((await post(path, 'other-key', body)).json['token'], first.json['token']);
  }
  const tokens = [...made.values()].map(({ json }) => String(json['token']));
  assert.equal(new Set(tokens).size, 2);
  assert.equal(await count('/sessions/once/connection'), 4);
  const stays = await Asker.join(running, 'once', { token: tokens[0] ?? '' });
  const leaves = await Asker.join(running, 'once', { token: tokens[1] ?? '' });
  await leaves.leave();
  const restored = await takenOver('once');
  for (const [path, body] of requests) {
    const again = await post(path, 'same-key', body);
    assert.deepEqual([again.status, again.json], [200, made.get(path)?.json], again.text);
    assert.equal((await post(path, 'same-key', { ...body, data: 'other' })).status, 422);
  }
  // The present connection and the two pending ones; none for the member that has left.
  assert.equal(await count('/sessions/once/connection'), 3);
  stays.client.close();
  await restored();
});

test('a signal reaches everyone once, even after a crash', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'signals' }, { base: running.node('master-1').url });
  const client = new SdkClient();
  await client.session.connect(await running.token('signals'));
  const body = { session: 'signals', data: 'once' };
  for (const master of ['master-1', 'master-2', undefined]) {
    const answer = await post('/signal', 'say-1', body, master);
    assert.deepEqual([answer.status, answer.text], [200, '']);
  }
  assert.equal((await post('/signal', 'say-1', { ...body, data: 'twice' })).status, 422);
  await until('it has arrived', () => client.signals.length > 0);
  const restored = await takenOver('signals');
  assert.equal((await post('/signal', 'say-1', body)).status, 200);
  assert.equal((await post('/signal', 'say-2', body)).status, 200);
  await until('the other has arrived', () => client.signals.length > 1);
  await client.session.signal({ data: 'last' });
  assert.deepEqual(client.signals, ['once', 'once', 'last']);
  client.session.disconnect();
  await restored();
});

test('an invalid key is refused with a named error, and nothing is made', async () => {
  const before = await count('/sessions');
  for (const key of ['two words', 'x'.repeat(129), '']) {
    const answer = await post('/sessions', key, {});
    assert.equal(answer.status, 400, key);
    assert.match(String(answer.json['message']), /idempotency-key/);
  }
  assert.equal((await post('/sessions', '~'.repeat(128), {})).status, 200);
  assert.equal(await count('/sessions'), before + 1);
});
