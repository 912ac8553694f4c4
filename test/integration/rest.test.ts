import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
after(() => running.stop());

test('sessions: create, get, list, delete, with OpenVidu’s statuses', async () => {
  const created = await running.rest('POST', '/sessions', {
    customSessionId: 'one',
    mediaMode: 'ROUTED',
    recordingMode: null,
  });
  assert.equal(created.status, 200);
  assert.equal(created.json['id'], 'one');
  assert.equal(created.json['object'], 'session');
  assert.deepEqual(created.json['connections'], { numberOfElements: 0, content: [] });
  const again = await running.rest('POST', '/sessions', { customSessionId: 'one' });
  assert.equal(again.status, 409);
  const unnamed = await running.rest('POST', '/sessions');
  assert.match(String(unnamed.json['id']), /^ses_[A-Za-z0-9]{10}$/);
  const listed = await running.rest('GET', '/sessions');
  const ids = (listed.json['content'] as { id: string }[]).map(({ id }) => id);
  assert.ok(ids.includes('one') && ids.includes(String(unnamed.json['id'])));
  // Every master answers, for sessions of any owner.
  for (const id of ['master-1', 'master-2']) {
    const base = running.node(id).url;
    assert.equal((await running.rest('GET', '/sessions/one', undefined, { base })).json['id'], 'one', id);
    const all = await running.rest('GET', '/sessions', undefined, { base });
    assert.equal(all.json['numberOfElements'], 2, id);
  }
  assert.equal((await running.rest('DELETE', '/sessions/one')).status, 204);
  assert.equal((await running.rest('GET', '/sessions/one')).status, 404);
  assert.equal((await running.rest('DELETE', '/sessions/one')).status, 404);
});

test('connections: create at any master, list, get, delete', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'two' }, { base: running.node('master-1').url });
  for (const id of ['master-1', 'master-2']) {
    const base = running.node(id).url;
    const made = await running.rest(
      'POST',
      '/sessions/two/connection',
      { role: 'SUBSCRIBER', data: 'd', kurentoOptions: null },
      { base },
    );
    assert.equal(made.status, 200, made.text);
    const connectionId = String(made.json['connectionId']);
    assert.match(connectionId, /^con_[A-Za-z0-9]{10}$/);
    assert.match(String(made.json['token']), /^ws:\/\/localhost:\d+\?sessionId=two&token=tok_[A-Za-z0-9]{22}$/);
    assert.equal(made.json['status'], 'pending');
    assert.equal(made.json['role'], 'SUBSCRIBER');
    assert.equal(made.json['serverData'], 'd');
    const got = await running.rest('GET', `/sessions/two/connection/${connectionId}`, undefined, { base });
    assert.deepEqual(got.json, made.json);
    assert.equal(
      (await running.rest('DELETE', `/sessions/two/connection/${connectionId}`, undefined, { base })).status,
      204,
    );
    assert.equal(
      (await running.rest('GET', `/sessions/two/connection/${connectionId}`, undefined, { base })).status,
      404,
    );
  }
  assert.equal((await running.rest('GET', '/sessions/two/connection')).json['numberOfElements'], 0);
  assert.equal((await running.rest('POST', '/sessions/none/connection', {})).status, 404);
});

test('bad input gets a named error, and the next request is served', async () => {
  const refused: [number, RegExp, ...Parameters<RunningCluster['rest']>][] = [
    [401, /secret/, 'GET', '/sessions', undefined, { secret: 'wrong' }],
    [400, /not JSON/, 'POST', '/sessions', '{oops'],
    [400, /customSessionId/, 'POST', '/sessions', { customSessionId: 'a b' }],
    [400, /customSessionId/, 'POST', '/sessions', { customSessionId: 7e99 }],
    [400, /failover/, 'POST', '/sessions', { failover: 'prayer' }],
    [400, /body must be object/, 'POST', '/sessions', '[]'],
    [404, /There is no session/, 'GET', '/sessions/%00'],
    [404, /There is no GET/, 'GET', '/nothing'],
  ];
  await running.rest('POST', '/sessions', { customSessionId: 'three' });
  refused.push([400, /role/, 'POST', '/sessions/three/connection', { role: 'KING' }]);
  refused.push([400, /type/, 'POST', '/sessions/three/connection', { type: 'IPCAM' }]);
  for (const [status, message, ...request] of refused) {
    const answer = await running.rest(...request);
    assert.equal(answer.status, status, `${request.join(' ')}: ${answer.text}`);
    assert.match(String(answer.json['message']), message);
    assert.deepEqual(Object.keys(answer.json).sort(), ['error', 'message', 'path', 'status', 'timestamp']);
  }
  assert.equal((await running.rest('GET', '/sessions/three')).status, 200);
});
