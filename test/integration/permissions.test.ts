import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Method } from '../../src/protocol/methods.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { audioRtp } from '../fixtures/media-node/rtp.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
after(() => running.stop());

/** A request that must be refused, with the code of the refusal. */
type Refused = readonly [Method, unknown, string];

test('a subscriber cannot publish', async () => {
  const subscriber = await Asker.join(running, 'roles', { role: 'SUBSCRIBER' });
  const publisher = await Asker.join(running, 'roles');
  assert.equal(await subscriber.refusal('createTransport', { key: 't', direction: 'send' }), 'NOT_PERMITTED');
  const producers = [{ kind: 'audio', rtpParameters: audioRtp(), active: true }];
  assert.equal(await subscriber.refusal('publish', { key: 'abcd', transport: 't', producers }), 'NOT_PERMITTED');
  const streamId = await publisher.publish();
  assert.deepEqual(publisher.told('streamCreated'), []);
  // It may receive, and send signals.
  const transport = await subscriber.receiveTransport();
  await subscriber.request('subscribe', { streamId, transport });
  await subscriber.request('signal', { id: '1' });
  assert.equal((await publisher.happened('signal')).from, subscriber.id);
  for (const member of [subscriber, publisher]) await member.leave();
});

test("only a moderator ends others' streams and connections", async () => {
  const target = await Asker.join(running, 'moderation');
  const streamId = await target.publish();
  for (const role of ['SUBSCRIBER', 'PUBLISHER']) {
    const one = await Asker.join(running, 'moderation', { role });
    assert.equal(await one.refusal('forceDisconnect', { connectionId: target.id }), 'NOT_PERMITTED', role);
    assert.equal(await one.refusal('forceUnpublish', { streamId }), 'NOT_PERMITTED', role);
    one.client.close();
  }
  assert.deepEqual(target.told('streamDestroyed'), []);
  const moderator = await Asker.join(running, 'moderation', { role: 'MODERATOR' });
  await moderator.request('forceUnpublish', { streamId });
  assert.deepEqual(await target.happened('streamDestroyed'), { streamId, reason: 'forceUnpublishByUser' });
  await moderator.request('forceDisconnect', { connectionId: target.id });
  assert.deepEqual(await target.happened('evicted'), { reason: 'forceDisconnectByUser' });
  moderator.client.close();
});

test('objects of another session are unknown', async () => {
  const theirs = await Asker.join(running, 'theirs', { data: 'private' });
  const streamId = await theirs.publish();
  const mine = await Asker.join(running, 'mine', { role: 'MODERATOR' });
  const transport = await mine.receiveTransport();
  const before = theirs.client.frames.length;
  const change = { property: 'videoDimensions', value: { width: 1, height: 1 }, reason: 'screenResized' };
  const refused: readonly Refused[] = [
    ['signal', { id: '1', data: 'x', to: [theirs.id] }, 'CONNECTION_UNKNOWN'],
    ['signal', { id: '2', data: 'x', to: [mine.id, theirs.id] }, 'CONNECTION_UNKNOWN'],
    ['forceDisconnect', { connectionId: theirs.id }, 'CONNECTION_UNKNOWN'],
    ['forceUnpublish', { streamId }, 'STREAM_UNKNOWN'],
    ['subscribe', { streamId, transport }, 'STREAM_UNKNOWN'],
    ['resumeConsumers', { streamId }, 'STREAM_UNKNOWN'],
    ['unpublish', { streamId }, 'STREAM_UNKNOWN'],
    ['setActive', { streamId, kind: 'video', active: false }, 'STREAM_UNKNOWN'],
    ['changeStream', { streamId, change }, 'STREAM_UNKNOWN'],
  ];
  for (const [method, data, code] of refused) {
    assert.equal(await mine.refusal(method, data), code, `${method} ${JSON.stringify(data)}`);
  }
  assert.equal(theirs.client.frames.length, before);
  assert.ok(!JSON.stringify(mine.client.frames).includes('private'));
  const still = await running.rest('GET', `/sessions/theirs/connection/${theirs.id}`);
  assert.equal((still.json['publishers'] as unknown[]).length, 1);
  for (const member of [theirs, mine]) await member.leave();
});

test('objects of another member cannot be changed', async () => {
  const other = await Asker.join(running, 'shared');
  const streamId = await other.publish();
  const one = await Asker.join(running, 'shared', { role: 'MODERATOR' });
  const change = { property: 'videoDimensions', value: { width: 1, height: 1 }, reason: 'screenResized' };
  const refused: readonly Refused[] = [
    ['unpublish', { streamId }, 'STREAM_UNKNOWN'],
    ['setActive', { streamId, kind: 'video', active: false }, 'STREAM_UNKNOWN'],
    ['changeStream', { streamId, change }, 'STREAM_UNKNOWN'],
  ];
  for (const [method, data, code] of refused) assert.equal(await one.refusal(method, data), code, method);
  // Each member has its own keys: another member's transport cannot be addressed.
  await other.request('createTransport', { key: 'mine', direction: 'send' });
  assert.equal(await one.refusal('restartIce', { key: 'mine' }), 'TRANSPORT_UNKNOWN');
  assert.equal(await one.refusal('closeTransport', { key: 'mine' }), 'TRANSPORT_UNKNOWN');
  for (const member of [other, one]) await member.leave();
});

test('a token joins only its own session, and only the holder of the resume key resumes a connection', async () => {
  const token = await running.token('first');
  await running.rest('POST', '/sessions', { customSessionId: 'second' });
  const elsewhere = await RawClient.join(running.socketUrl, token.replace('sessionId=first', 'sessionId=second'));
  assert.equal((await elsewhere.frame('refused')).error.code, 'TOKEN_UNKNOWN');
  const holder = await Asker.join(running, 'first', { token });
  const outsider = await Asker.join(running, 'second');
  const { welcome } = holder;
  const claims = [
    { ...welcome, resumeKey: outsider.welcome.resumeKey },
    { ...outsider.welcome, connectionId: welcome.connectionId },
    { ...outsider.welcome, sessionId: welcome.sessionId, uniqueSessionId: welcome.uniqueSessionId },
  ];
  for (const claim of claims) {
    const thief = await RawClient.hello(running.socketUrl, { resume: { ...claim, received: 0, nextRequest: 1 } });
    assert.equal((await thief.frame('refused')).error.code, 'RESUME_REFUSED');
  }
  assert.equal(holder.client.closed, undefined);
  for (const member of [holder, outsider]) await member.leave();
});
