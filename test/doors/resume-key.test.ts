import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { WelcomeFrame } from '../../src/protocol/frames.ts';
import type { ResumeKey } from '../../src/protocol/ids.ts';
import { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

/** An attacker has a client's resume key; the protection must not lock the client itself out. */

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ failover: 'takeover' });
});
after(() => running.stop());
beforeEach(() => running.rested());

/** A client that has used its first key. */
async function joined(room: string): Promise<{ client: RawClient; welcome: WelcomeFrame }> {
  const client = await RawClient.join(running.socketUrl, await running.token(room));
  const welcome = await client.frame('welcome');
  client.send({ t: 'ack', seq: 0 });
  return { client, welcome };
}

function resume(welcome: WelcomeFrame, resumeKey: ResumeKey, epoch = welcome.epoch): Promise<RawClient> {
  return RawClient.hello(running.socketUrl, {
    resume: { ...welcome, resumeKey, epoch, received: welcome.seq, nextRequest: 1 },
  });
}

/** Resumes without reading the welcome, as if the network failed then. Returns the lost key. */
async function lostWelcome(welcome: WelcomeFrame, resumeKey: ResumeKey): Promise<ResumeKey> {
  const client = await resume(welcome, resumeKey);
  const lost = await client.frame('welcome');
  client.cut();
  return lost.resumeKey;
}

async function refusal(client: RawClient): Promise<string> {
  const { error } = await client.frame('refused');
  return error.code;
}

/** Number of keys in the store besides the present one. */
async function otherKeys(room: string, { connectionId }: WelcomeFrame): Promise<number> {
  const store = new SqliteStore(join(running.cluster.stateDir, 'store.sqlite'));
  try {
    const record = await store.getConnection(connectionId);
    assert.ok(record?.joined, `${room} has a member`);
    return record.joined.nextKeyHashes?.length ?? 0;
  } finally {
    await store.close();
  }
}

test('each resume hands out another key; a client that lost a welcome is not locked out', async () => {
  const { client, welcome } = await joined('lost');
  client.cut();
  const keys = [welcome.resumeKey];
  for (let n = 0; n < 5; n += 1) keys.push(await lostWelcome(welcome, welcome.resumeKey));
  assert.equal(new Set(keys).size, 6);
  const back = await resume(welcome, welcome.resumeKey);
  const { resumeKey } = await back.frame('welcome');
  assert.equal(keys.includes(resumeKey), false);
  // No frame has reached the owner under the new key; the edge itself answers pings.
  back.send({ t: 'ping' });
  await back.frame('pong');
  const again = await resume(welcome, welcome.resumeKey);
  await again.frame('welcome');
  again.close();
});

test('the first frame under the new key invalidates the old key and the lost ones', async () => {
  const { client, welcome } = await joined('stolen');
  client.cut();
  const lost = await lostWelcome(welcome, welcome.resumeKey);
  const back = await resume(welcome, welcome.resumeKey);
  const { resumeKey } = await back.frame('welcome');
  back.send({ t: 'req', id: 1, method: 'signal', data: { id: 's', data: 'mine' } });
  await back.frame('evt');
  for (const stolen of [welcome.resumeKey, lost]) {
    assert.equal(await refusal(await resume(welcome, stolen)), 'RESUME_REFUSED');
  }
  assert.equal(back.closed, undefined, 'its client is not disturbed');
  // Nor does the next owner accept it, once the store is updated.
  await until('the store is updated', async () => (await otherKeys('stolen', welcome)) === 0);
  const owner = await running.ownerOf('stolen');
  const pid = running.cluster.kill(owner);
  await until('another owner answers', async () => (await running.rest('GET', '/sessions/stolen')).status === 200);
  for (const stolen of [welcome.resumeKey, lost]) {
    assert.equal(await refusal(await resume(welcome, stolen)), 'RESUME_REFUSED');
  }
  const there = await resume(welcome, resumeKey);
  assert.equal((await there.frame('welcome')).connectionId, welcome.connectionId);
  await running.restarted(owner, pid);
  there.close();
});

test('a hello with the new key invalidates the old one as well', async () => {
  const { client, welcome } = await joined('shown');
  client.cut();
  const second = await lostWelcome(welcome, welcome.resumeKey);
  await lostWelcome(welcome, second);
  assert.equal(await refusal(await resume(welcome, welcome.resumeKey)), 'RESUME_REFUSED');
  const back = await resume(welcome, second);
  await back.frame('welcome');
  back.close();
});

test('the owner crashes after a lost welcome: the next one accepts the old key and the new one', async () => {
  for (const which of ['old', 'new'] as const) {
    const room = `crash-${which}`;
    const { client, welcome } = await joined(room);
    client.cut();
    const lost = await lostWelcome(welcome, welcome.resumeKey);
    const owner = await running.ownerOf(room);
    const pid = running.cluster.kill(owner);
    await until('another owner answers', async () => (await running.rest('GET', `/sessions/${room}`)).status === 200);
    const back = await resume(welcome, which === 'old' ? welcome.resumeKey : lost);
    const { resumeKey, epoch } = await back.frame('welcome');
    assert.ok(epoch > welcome.epoch);
    assert.notEqual(resumeKey, welcome.resumeKey);
    await running.restarted(owner, pid);
    back.close();
  }
});

test('the life after a crash accepts either key as proof of the former connection', async () => {
  for (const which of ['old', 'new'] as const) {
    const room = `rebuilt-${which}`;
    await running.rest('POST', '/sessions', { customSessionId: room, failover: 'rebuild' });
    const { client, welcome } = await joined(room);
    client.cut();
    const lost = await lostWelcome(welcome, welcome.resumeKey);
    const owner = await running.ownerOf(room);
    const pid = running.cluster.kill(owner);
    await until('it has ended', async () => (await running.session(room)) === undefined);
    const [sessionId = '', token = ''] = /sessionId=(.*)&token=(.*)/.exec(await running.token(room))?.slice(1) ?? [];
    const { uniqueSessionId, connectionId } = welcome;
    const previous = { uniqueSessionId, connectionId, resumeKey: which === 'old' ? welcome.resumeKey : lost };
    const back = await RawClient.hello(running.socketUrl, {
      join: { sessionId, token, key: 'again', metadata: '', previous },
    });
    assert.deepEqual((await back.frame('welcome')).snapshot?.self.replaces, [connectionId], which);
    await running.restarted(owner, pid);
    back.close();
  }
});

test('without the store, resumes continue with the present key', async () => {
  const { client, welcome } = await joined('storeless');
  client.cut();
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(process.argv[1]);
    db.exec('PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE');
    console.log('locked');
    process.stdin.on('close', () => { db.exec('ROLLBACK'); db.close(); }).resume();
  `;
  const file = join(running.cluster.stateDir, 'store.sqlite');
  const locker = spawn(process.execPath, ['-e', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(locker.stdout, 'data');
  try {
    const begun = performance.now();
    const first = await resume(welcome, welcome.resumeKey);
    assert.equal((await first.frame('welcome')).resumeKey, welcome.resumeKey);
    assert.ok(performance.now() - begun < 2_000, `it took ${performance.now() - begun} ms`);
    first.send({ t: 'ack', seq: 0 });
    first.cut();
  } finally {
    const gone = once(locker, 'exit');
    locker.stdin.end();
    await gone;
  }
  const renewed = await until('the key is renewed again', async () => {
    const one = await resume(welcome, welcome.resumeKey);
    const { resumeKey } = await one.frame('welcome');
    one.cut();
    return resumeKey !== welcome.resumeKey && resumeKey;
  });
  assert.notEqual(renewed, welcome.resumeKey);
});

test('another client cannot repeat a join later', async () => {
  const token = await running.token('joined');
  const client = await RawClient.join(running.socketUrl, token, 'same');
  await client.frame('welcome');
  // The welcome was lost, so the same client joins again.
  const again = await RawClient.join(running.socketUrl, token, 'same');
  await again.frame('welcome');
  assert.equal((await client.closing()).code, 4409);
  again.send({ t: 'ack', seq: 0 });
  again.send({ t: 'req', id: 1, method: 'signal', data: { id: 's', data: 'mine' } });
  await again.frame('evt');
  assert.equal(await refusal(await RawClient.join(running.socketUrl, token, 'same')), 'TOKEN_USED');
  assert.equal(again.closed, undefined);
  again.close();
});

test('a join waits for its media: the same client may repeat it meanwhile, and joins', async () => {
  const node = running.cluster.nodes().find(({ role }) => role === 'media-node');
  assert.ok(node);
  await running.rest('POST', '/sessions', { customSessionId: 'waits', mediaNode: { id: node.id } });
  const token = await running.token('waits');
  process.kill(node.pid, 'SIGSTOP');
  try {
    const gone = await RawClient.join(running.socketUrl, token, 'ann');
    // Another client with the same token is refused during that join.
    await until('the join is under way', async () => {
      const other = await RawClient.join(running.socketUrl, token, 'bob');
      return (await refusal(other)) === 'UNAVAILABLE';
    });
    gone.cut();
    const later = [
      await RawClient.join(running.socketUrl, token, 'ann'),
      await RawClient.join(running.socketUrl, token, 'ann'),
    ];
    process.kill(node.pid, 'SIGCONT');
    // Only one socket of a client is served: the one whose hello reached the owner last.
    const closed = await until('one is closed', () => later.find((one) => one.closed));
    assert.ok([4409, 4503].includes(closed.closed?.code ?? 0), `closed with ${closed.closed?.code}`);
    const [served] = later.filter((one) => one !== closed);
    assert.ok(served);
    const { snapshot } = await served.frame('welcome');
    assert.deepEqual([snapshot?.self.presence, snapshot?.others], ['here', []]);
    served.send({ t: 'req', id: 1, method: 'signal', data: { id: 's', data: 'in' } });
    await served.frame('evt');
    served.close();
  } finally {
    process.kill(node.pid, 'SIGCONT');
  }
});

test('the SDK uses the newest key, or the previous one if no welcome arrived', async () => {
  const ann = new SdkClient();
  await ann.session.connect(await running.token('sdk'));
  const id = ann.session.connection?.connectionId;
  for (let round = 1; round <= 3; round += 1) {
    const owner = await running.ownerOf('sdk');
    const pid = running.cluster.kill(owner);
    await ann.happened('reconnected', round, 10_000);
    await running.restarted(owner, pid);
    await ann.session.signal({ data: `${round}` });
  }
  assert.equal(ann.session.connection?.connectionId, id);
  assert.deepEqual(ann.signals, ['1', '2', '3']);
  ann.session.disconnect();
});
