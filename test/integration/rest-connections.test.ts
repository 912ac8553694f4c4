import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { randomText } from '../../src/protocol/ids.ts';
import { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { audioRtp } from '../fixtures/media-node/rtp.ts';
import { until } from '../fixtures/until.ts';

const CLUSTER_ICE = [{ urls: 'turn:turn.example.org:3478', username: 'all', credential: 'theirs' }];

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ iceServers: CLUSTER_ICE });
});
after(() => running.stop());

/** Sent to the master that does not own the session, so that every request is forwarded once. */
async function session(customSessionId: string): Promise<{ base: string }> {
  const made = await running.rest('POST', '/sessions', { customSessionId }, { base: running.node('master-1').url });
  assert.equal(made.status, 200, made.text);
  return { base: running.node('master-2').url };
}

test('a connection, from pending to active, field by field', async () => {
  const through = await session('fields');
  const nulls = {
    type: null,
    data: null,
    record: null,
    role: null,
    kurentoOptions: null,
    rtspUri: null,
    adaptativeBitrate: null,
    onlyPlayWithSubscribers: null,
    networkCache: null,
    customIceServers: null,
  };
  const made = await running.rest('POST', '/sessions/fields/connection', nulls, through);
  assert.equal(made.status, 200, made.text);
  const { id, createdAt, expiresAt, token, ...pending } = made.json;
  assert.equal(Number(expiresAt) - Number(createdAt), 15 * 60 * 1000);
  assert.match(String(id), /^con_[A-Za-z0-9]{10}$/);
  const common = {
    object: 'connection',
    type: 'WEBRTC',
    connectionId: id,
    sessionId: 'fields',
    serverData: '',
    record: true,
    role: 'PUBLISHER',
    kurentoOptions: null,
    customIceServers: [],
    rtspUri: null,
    adaptativeBitrate: null,
    onlyPlayWithSubscribers: null,
    networkCache: null,
  };
  const unjoined = { activeAt: null, location: null, ip: null, platform: null, clientData: null };
  assert.deepEqual(pending, { ...common, ...unjoined, status: 'pending', publishers: null, subscribers: null });

  const member = await Asker.join(running, 'fields', { token: String(token) });
  const other = await Asker.join(running, 'fields', { role: 'SUBSCRIBER' });
  const streamId = await member.publish();
  const audio = await member.publish('audio');
  const transport = await other.receiveTransport();
  await other.request('subscribe', { streamId, transport });
  const active = await running.rest('GET', `/sessions/fields/connection/${id}`, undefined, through);
  const { activeAt, ip, platform, publishers, createdAt: same, id: sameId, ...rest } = active.json;
  assert.deepEqual([same, sameId], [createdAt, id]);
  assert.ok(Number(activeAt) >= Number(createdAt));
  assert.ok(String(ip).length > 0 && String(platform).length > 0);
  assert.deepEqual(rest, {
    ...common,
    status: 'active',
    token: null,
    location: 'unknown',
    clientData: '',
    subscribers: [],
  });
  const [video, sound, ...more] = publishers as { createdAt: number; streamId: string; mediaOptions: object }[];
  assert.equal(more.length, 0);
  assert.match(streamId, new RegExp(`^str_CAM_[A-Za-z0-9]{4}_${id}$`));
  assert.equal(video?.streamId, streamId);
  assert.deepEqual(video.mediaOptions, {
    hasAudio: false,
    hasVideo: true,
    videoActive: true,
    typeOfVideo: 'CAMERA',
    frameRate: null,
    videoDimensions: '{"width":640,"height":480}',
    filter: {},
  });
  assert.deepEqual(
    [sound?.streamId, sound?.mediaOptions],
    [audio, { hasAudio: true, audioActive: true, hasVideo: false, filter: {} }],
  );
  const receiver = await running.rest('GET', `/sessions/fields/connection/${other.id}`, undefined, through);
  const [subscribed] = receiver.json['subscribers'] as { createdAt: number; streamId: string }[];
  assert.equal(subscribed?.streamId, streamId);
  assert.equal(typeof subscribed?.createdAt, 'number');
  const whole = await running.rest('GET', '/sessions/fields?pendingConnections=true', undefined, through);
  assert.deepEqual((whole.json['connections'] as { content: unknown[] }).content, [active.json, receiver.json]);
});

test('lists: they include pending connections by default, but the session does not', async () => {
  const through = await session('lists');
  await running.rest('POST', '/sessions/lists/connection', {}, through);
  const { client } = await Asker.join(running, 'lists');
  const count = async (path: string): Promise<unknown> => {
    const { json } = await running.rest('GET', path, undefined, through);
    return (
      (json['connections'] as { numberOfElements: number } | undefined)?.numberOfElements ?? json['numberOfElements']
    );
  };
  assert.equal(await count('/sessions/lists/connection'), 2);
  assert.equal(await count('/sessions/lists/connection?pendingConnections=false'), 1);
  assert.equal(await count('/sessions/lists'), 1);
  assert.equal(await count('/sessions/lists?pendingConnections=true'), 2);
  assert.equal((await running.rest('GET', '/sessions/lists?pendingConnections=perhaps')).status, 400);
  client.close();
});

test('a role changed before the join applies from then on', async () => {
  const through = await session('early');
  const made = await running.rest('POST', '/sessions/early/connection', { role: 'PUBLISHER', data: 'd' }, through);
  const path = `/sessions/early/connection/${made.json['id']}`;
  const changed = await running.rest('PATCH', path, { role: 'SUBSCRIBER', record: false, nobody: 'knows' }, through);
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(changed.json, { ...made.json, role: 'SUBSCRIBER', record: false });
  for (const body of [{ role: null, record: null }, {}, undefined]) {
    assert.deepEqual((await running.rest('PATCH', path, body, through)).json, changed.json);
  }
  const member = await Asker.join(running, 'early', { token: String(made.json['token']) });
  assert.equal(member.snapshot.self.role, 'SUBSCRIBER');
  await assert.rejects(member.publish(), /NOT_PERMITTED/);
  await member.leave();
});

test('a role changed during the session: all get an event, and forbidden streams end', async () => {
  const through = await session('roles');
  const member = await Asker.join(running, 'roles');
  const other = await Asker.join(running, 'roles');
  const streams = [await member.publish(), await member.publish('audio')];
  const path = `/sessions/roles/connection/${member.id}`;
  const changed = await running.rest('PATCH', path, { role: 'SUBSCRIBER' }, through);
  assert.equal(changed.json['role'], 'SUBSCRIBER');
  assert.deepEqual(changed.json['publishers'], []);
  for (const one of [member, other]) {
    assert.deepEqual(await one.happened('connectionChanged'), { connectionId: member.id, role: 'SUBSCRIBER' });
    await one.happened('streamDestroyed', 2);
    assert.deepEqual(
      one.told('streamDestroyed'),
      streams.map((streamId) => ({ streamId, reason: 'forceUnpublishByServer' })),
    );
  }
  await assert.rejects(member.publish(), /NOT_PERMITTED/);
  // Without a change there is no event, and a new role applies at once.
  await running.rest('PATCH', path, { role: 'SUBSCRIBER', record: false }, through);
  assert.equal(await member.refusal('forceDisconnect', { connectionId: other.id }), 'NOT_PERMITTED');
  await running.rest('PATCH', path, { role: 'MODERATOR' }, through);
  assert.equal((await member.happened('connectionChanged', 2)).role, 'MODERATOR');
  await member.request('forceDisconnect', { connectionId: other.id });
  assert.equal((await other.happened('evicted')).reason, 'forceDisconnectByUser');
  assert.equal(member.told('connectionChanged').length, 2);
  await member.leave();
});

test('a new owner has the changed role', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'kept', failover: 'takeover' });
  const member = await Asker.join(running, 'kept');
  await running.rest('PATCH', `/sessions/kept/connection/${member.id}`, { role: 'MODERATOR', record: false });
  const owner = await running.ownerOf('kept');
  const pid = running.cluster.kill(owner);
  const found = await until('the next owner answers', async () => {
    const { status, json } = await running.rest('GET', `/sessions/kept/connection/${member.id}`);
    return status === 200 && json;
  });
  assert.deepEqual([found['role'], found['record']], ['MODERATOR', false]);
  await running.restarted(owner, pid);
  member.client.close();
});

test('a role that the owner stored just before its death applies at the next owner', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'breath', failover: 'takeover' });
  const member = await Asker.join(running, 'breath');
  await member.publish();
  const { uniqueSessionId, epoch } = await until('it exists', () => running.session('breath'));
  const store = new SqliteStore(join(running.cluster.stateDir, 'store.sqlite'));
  const [record] = await store.listConnections(uniqueSessionId);
  assert.ok(record);
  await store.putConnection({ ...record, role: 'SUBSCRIBER' }, epoch);
  await store.close();
  const owner = await running.ownerOf('breath');
  const pid = running.cluster.kill(owner);
  const found = await until('the next owner answers', async () => {
    const { status, json } = await running.rest('GET', `/sessions/breath/connection/${member.id}`);
    return status === 200 && json;
  });
  assert.deepEqual([found['role'], found['publishers']], ['SUBSCRIBER', []]);
  await running.restarted(owner, pid);
  member.client.close();
});

test('a member that becomes a subscriber while it publishes loses the stream', async () => {
  const through = await session('races');
  const member = await Asker.join(running, 'races');
  const path = `/sessions/races/connection/${member.id}`;
  for (let round = 0; round < 12; round += 1) {
    await running.rest('PATCH', path, { role: 'PUBLISHER' }, through);
    await member.request('createTransport', { key: `t${round}`, direction: 'send' });
    const producers = [{ kind: 'audio', rtpParameters: audioRtp(), active: true }];
    const publishing = member.send('publish', { key: randomText(4), transport: `t${round}`, producers });
    const changed = await running.rest('PATCH', path, { role: 'SUBSCRIBER' }, through);
    assert.equal(changed.status, 200, changed.text);
    await member.answer(publishing);
    const { json } = await running.rest('GET', path, undefined, through);
    assert.deepEqual([json['role'], json['publishers']], ['SUBSCRIBER', []], `round ${round}`);
  }
  await member.leave();
});

test('unchangeable fields are refused with a named error', async () => {
  const through = await session('refused');
  const { id, client } = await Asker.join(running, 'refused');
  const path = `/sessions/refused/connection/${id}`;
  const cases: [number, RegExp, string, unknown][] = [
    [400, /body\/role must be one of SUBSCRIBER/, path, { role: 'KING' }],
    [400, /body\/record/, path, { record: 'yes' }],
    [400, /body must be object/, path, []],
    [404, /no session/, '/sessions/none/connection/con_x', { role: 'SUBSCRIBER' }],
    [404, /no connection/, '/sessions/refused/connection/con_x', { role: 'SUBSCRIBER' }],
  ];
  for (const [status, message, at, body] of cases) {
    const answer = await running.rest('PATCH', at, body, through);
    assert.equal(answer.status, status, answer.text);
    assert.match(String(answer.json['message']), message);
  }
  client.close();
});

test('deleting a connection ends its participant, or its token', async () => {
  const through = await session('ended');
  const member = await Asker.join(running, 'ended');
  const other = await Asker.join(running, 'ended');
  assert.equal(
    (await running.rest('DELETE', `/sessions/ended/connection/${member.id}`, undefined, through)).status,
    204,
  );
  assert.equal((await member.happened('evicted')).reason, 'forceDisconnectByServer');
  assert.equal((await member.client.closing()).code, 4000);
  assert.deepEqual(await other.happened('connectionDestroyed'), {
    connectionId: member.id,
    reason: 'forceDisconnectByServer',
  });
  const place = await running.rest('POST', '/sessions/ended/connection', {}, through);
  assert.equal(
    (await running.rest('DELETE', `/sessions/ended/connection/${place.json['id']}`, undefined, through)).status,
    204,
  );
  const late = await RawClient.join(running.socketUrl, String(place.json['token']));
  assert.equal((await late.frame('refused')).error.code, 'TOKEN_UNKNOWN');
  for (const [status, path] of [
    [404, `/sessions/ended/connection/${member.id}`],
    [404, `/sessions/ended/connection/${place.json['id']}`],
    [400, '/sessions/none/connection/con_x'],
  ] as const) {
    const gone = await running.rest('DELETE', path, undefined, through);
    assert.equal(gone.status, status, gone.text);
    assert.match(String(gone.json['message']), status === 404 ? /no connection/ : /no session/);
  }
  await other.leave();
});

test('deleting a stream ends it, and its publisher stays', async () => {
  const through = await session('streams');
  const member = await Asker.join(running, 'streams');
  const other = await Asker.join(running, 'streams');
  const streamId = await member.publish();
  assert.equal((await running.rest('DELETE', `/sessions/streams/stream/${streamId}`, undefined, through)).status, 204);
  for (const one of [member, other]) {
    assert.deepEqual(await one.happened('streamDestroyed'), { streamId, reason: 'forceUnpublishByServer' });
  }
  const again = await running.rest('DELETE', `/sessions/streams/stream/${streamId}`, undefined, through);
  assert.equal(again.status, 404);
  assert.match(String(again.json['message']), /no stream/);
  const none = await running.rest('DELETE', `/sessions/none/stream/${streamId}`, undefined, through);
  assert.equal(none.status, 400);
  await member.publish();
  for (const one of [member, other]) await one.leave();
});

test("tokens, by OpenVidu's older request", async () => {
  const through = await session('tokens');
  const made = await running.rest('POST', '/tokens', { session: 'tokens', role: 'MODERATOR', data: 'd' }, through);
  assert.equal(made.status, 200, made.text);
  const { id, token, createdAt, expiresAt, connectionId, ...rest } = made.json;
  assert.equal(id, token);
  assert.match(String(token), /^ws:\/\/localhost:\d+\?sessionId=tokens&token=tok_[A-Za-z0-9]{22}$/);
  assert.equal(Number(expiresAt) - Number(createdAt), 15 * 60 * 1000);
  assert.deepEqual(rest, { session: 'tokens', role: 'MODERATOR', data: 'd', kurentoOptions: null });
  const member = await Asker.join(running, 'tokens', { token: String(token) });
  assert.equal(member.id, connectionId);
  assert.equal(member.snapshot.self.role, 'MODERATOR');
  assert.equal(member.snapshot.self.data, 'd');
  const defaults = await running.rest('POST', '/tokens', { session: 'tokens', role: null, data: null }, through);
  assert.deepEqual([defaults.json['role'], defaults.json['data']], ['PUBLISHER', '']);
  const cases: [number, RegExp, unknown][] = [
    [400, /session/, {}],
    [400, /session/, { session: 5 }],
    [400, /role/, { session: 'tokens', role: 'KING' }],
    [400, /data/, { session: 'tokens', data: 'x'.repeat(20_000) }],
    [404, /no session/, { session: 'none' }],
    [404, /no session/, { session: '../tokens' }],
  ];
  for (const [status, message, body] of cases) {
    const answer = await running.rest('POST', '/tokens', body, through);
    assert.equal(answer.status, status, answer.text);
    assert.match(String(answer.json['message']), message);
  }
  await member.leave();
});

test('an expired token is refused with a named error, and no longer listed', async () => {
  const through = await session('expires');
  const [place, before] = await Promise.all([
    running.rest('POST', '/sessions/expires/connection', { expiresInMs: 1_000 }, through),
    running.rest('POST', '/tokens', { session: 'expires', expiresInMs: 30 * 24 * 60 * 60 * 1_000 }, through),
  ]);
  assert.equal(Number(place.json['expiresAt']) - Number(place.json['createdAt']), 1_000);
  assert.equal(Number(before.json['expiresAt']) - Number(before.json['createdAt']), 2_592_000_000);
  const joined = await running.rest('POST', '/sessions/expires/connection', { expiresInMs: 1_000 }, through);
  const member = await Asker.join(running, 'expires', { token: String(joined.json['token']) });
  const path = `/sessions/expires/connection/${place.json['id']}`;
  await until('it is no longer listed', async () => (await running.rest('GET', path)).status === 404);
  assert.ok(Date.now() >= Number(place.json['expiresAt']));
  const list = await running.rest('GET', '/sessions/expires/connection', undefined, through);
  assert.equal(list.json['numberOfElements'], 2);
  const refused = async (): Promise<string> => {
    const late = await RawClient.join(running.socketUrl, String(place.json['token']));
    assert.equal((await late.closing()).code, 4401);
    return (await late.frame('refused')).error.code;
  };
  assert.equal(await refused(), 'TOKEN_EXPIRED');
  // A participant that joined in time is not affected.
  const active = await running.rest('GET', `/sessions/expires/connection/${member.id}`, undefined, through);
  assert.deepEqual([active.json['status'], active.json['expiresAt']], ['active', undefined]);
  for (const [body, path] of [
    [{}, '/sessions/expires/connection'],
    [{ session: 'expires' }, '/tokens'],
  ] as const) {
    for (const expiresInMs of [0, 999, 1_000.5, 2_592_000_001, '5000', [1_000]]) {
      const answer = await running.rest('POST', path, { ...body, expiresInMs }, through);
      assert.equal(answer.status, 400, String(expiresInMs));
      assert.match(String(answer.json['message']), /expiresInMs/);
    }
    assert.equal((await running.rest('POST', path, { ...body, expiresInMs: null }, through)).status, 200);
  }
  await member.leave();
});

test("ICE servers: the connection's, or else the cluster's", async () => {
  await session('ice');
  const own = [
    { url: 'turn:10.0.0.1:3478', username: 'me', credential: 'mine' },
    { urls: ['stun:a.example.org', 'stun:b.example.org'] },
  ];
  const made = await running.rest('POST', '/sessions/ice/connection', { customIceServers: own });
  assert.deepEqual(made.json['customIceServers'], own);
  const member = await Asker.join(running, 'ice', { token: String(made.json['token']) });
  assert.deepEqual(member.snapshot.iceServers, [
    { urls: 'turn:10.0.0.1:3478', username: 'me', credential: 'mine' },
    { urls: ['stun:a.example.org', 'stun:b.example.org'] },
  ]);
  const other = await Asker.join(running, 'ice');
  assert.deepEqual(other.snapshot.iceServers, CLUSTER_ICE);
  const cases: [RegExp, unknown][] = [
    [/customIceServers/, 'stun:a'],
    [/customIceServers\/0\/url/, [{ url: 'https://turn.example.org' }]],
    [/server 1 is a TURN server, which needs username/, [{ url: 'stun:a' }, { url: 'turn:b' }]],
    [/server 0 must have either url or urls/, [{}]],
  ];
  for (const [message, customIceServers] of cases) {
    const answer = await running.rest('POST', '/sessions/ice/connection', { customIceServers });
    assert.equal(answer.status, 400, answer.text);
    assert.match(String(answer.json['message']), message);
  }
  for (const one of [member, other]) await one.leave();
});

test('wrong fields of a new connection are named', async () => {
  const through = await session('wrong');
  const cases: [RegExp, unknown][] = [
    [/type must be one of WEBRTC/, { type: 'IPCAM' }],
    [/role must be one of SUBSCRIBER, PUBLISHER, MODERATOR/, { role: 'KING' }],
    [/data must be either string or null/, { data: { name: 'Ann' } }],
    [/data must not have more than/, { data: 'x'.repeat(16_385) }],
    [/record/, { record: 1 }],
    [/kurentoOptions/, { kurentoOptions: [] }],
    [/networkCache/, { networkCache: 'much' }],
  ];
  for (const [message, body] of cases) {
    const answer = await running.rest('POST', '/sessions/wrong/connection', body, through);
    assert.equal(answer.status, 400, answer.text);
    assert.match(String(answer.json['message']), message);
  }
  assert.equal((await running.rest('GET', '/sessions/wrong/connection')).json['numberOfElements'], 0);
});
