import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RawMember } from '../fixtures/cluster/raw-member.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { workersOf } from '../fixtures/media-node/processes.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 3, failover: 'takeover', timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

test('the owner is killed: another master takes over, and unaffected clients get no event', async () => {
  const room = 'goes-on';
  // Each uses its own edge, so that one loses its socket and two do not.
  const edges = ['master-1', 'master-2', 'master-3'];
  const clients = edges.map(
    (edge) =>
      new SdkClient({ urls: [running.node(edge).url.replace('http', 'ws'), running.url.replace('http', 'ws')] }),
  );
  for (const { session } of clients) await session.connect(await running.token(room, { owner: 'master-2' }));
  for (const client of clients) await until('all see all', () => client.count('connectionCreated') === clients.length);
  const ids = clients.map(({ session }) => session.connection?.connectionId);
  for (const client of clients) client.forget();
  const first = await until('it exists', () => running.session(room));

  // Signals are on their way all the time: each must arrive once, in its sender's order.
  const sent: string[][] = clients.map(() => []);
  const pending: Promise<void>[] = [];
  const say = (): void => {
    for (const [at, { session }] of clients.entries()) {
      const data = `${at}:${sent[at]?.length}`;
      sent[at]?.push(data);
      pending.push(session.signal({ data }));
    }
  };
  const talking = setInterval(say, 5);
  await until('all send signals', () => clients.every(({ signals }) => signals.length > 60));
  assert.equal(await running.ownerOf(room), 'master-2');
  const pid = running.cluster.kill('master-2');
  await clients[1]?.happened('reconnected');
  const second = await until('it has another owner', async () => {
    const record = await running.session(room);
    return record && record.owner !== first.owner && record;
  });
  const after = sent[0]?.length ?? 0;
  await until('they keep sending', () => (sent[0]?.length ?? 0) > after + 40);
  clearInterval(talking);
  await Promise.all(pending);

  assert.equal(second.uniqueSessionId, first.uniqueSessionId, 'the same life of the session');
  assert.equal(second.epoch, first.epoch + 1);
  const total = sent.reduce((sum, one) => sum + one.length, 0);
  for (const [at, client] of clients.entries()) {
    await until('everything has arrived', () => client.signals.length >= total);
    assert.equal(client.signals.length, total, `client ${at}: a signal arrived twice`);
    for (const [from, expected] of sent.entries()) {
      assert.deepEqual(
        client.signals.filter((data) => data?.startsWith(`${from}:`)),
        expected,
      );
    }
    assert.equal(client.session.connection?.connectionId, ids[at]);
    const told = client.story().filter((event) => event !== 'connectionPresence');
    assert.deepEqual(told, at === 1 ? ['reconnecting', 'reconnected'] : [], `client ${at}`);
  }
  const listed = await running.rest('GET', `/sessions/${room}/connection?pendingConnections=false`);
  assert.equal(listed.json['numberOfElements'], 3);
  for (const { session } of clients) session.disconnect();
  await running.restarted('master-2', pid);
});

test('a token from before the crash works after it, and participants that left stay gone', async () => {
  const room = 'places';
  const early = await running.token(room, { owner: 'master-1' });
  const stays = new SdkClient();
  const leaves = new SdkClient();
  await stays.session.connect(await running.token(room));
  await leaves.session.connect(await running.token(room));
  leaves.session.disconnect();
  await stays.happened('connectionDestroyed');
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  const late = new SdkClient();
  await late.session.connect(early);
  await stays.session.signal({ data: 'welcome' });
  await until('the signal', () => late.signals.includes('welcome'));
  assert.equal(late.count('connectionCreated'), 2);
  const used = new SdkClient();
  await assert.rejects(used.session.connect(early), { code: 'TOKEN_USED' });
  for (const { session } of [stays, late]) session.disconnect();
  await running.restarted(owner, pid);
});

test('owner after owner is killed', async () => {
  const room = 'again-and-again';
  const clients = [1, 2, 3].map(() => new SdkClient());
  for (const { session } of clients) await session.connect(await running.token(room));
  for (let round = 1; round <= 4; round += 1) {
    const owner = await running.ownerOf(room);
    const pid = running.cluster.kill(owner);
    await Promise.all(clients.map(({ session }, at) => session.signal({ data: `${round} ${at}` })));
    await running.restarted(owner, pid);
  }
  for (const client of clients) {
    await until('all signals', () => client.signals.length >= 12);
    assert.equal(new Set(client.signals).size, 12);
    assert.equal(client.signals.length, 12);
    assert.equal(client.count('sessionDestroyed') + client.count('sessionDisconnected'), 0);
    client.session.disconnect();
  }
});

test('a frozen owner is replaced; when it wakes up it is fenced and its clients continue at the new one', async () => {
  const room = 'frozen';
  const client = new SdkClient({ urls: [running.node('master-1').url.replace('http', 'ws')] });
  await client.session.connect(await running.token(room, { owner: 'master-2' }));
  const first = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2', 'SIGSTOP');
  try {
    const second = await until(
      'it has another owner',
      async () => {
        const record = await running.session(room);
        return record && record.owner !== first.owner && record;
      },
      10_000,
    );
    assert.equal(second.uniqueSessionId, first.uniqueSessionId);
    await client.session.signal({ data: 'at the new one' });
    process.kill(pid, 'SIGCONT');
    await until('it has stepped down', () =>
      running
        .log('master-2')
        .some(({ msg, session }) => String(msg).startsWith('Stepped down') && session === first.uniqueSessionId),
    );
    await client.session.signal({ data: 'still there' });
    assert.deepEqual(client.signals, ['at the new one', 'still there']);
    assert.deepEqual(client.story(), ['connectionCreated']);
    assert.equal((await running.session(room))?.owner, second.owner);
  } finally {
    process.kill(pid, 'SIGCONT');
    client.session.disconnect();
  }
});

test('an edge that owns nothing is killed: its clients continue through another, and nothing is lost', async () => {
  const room = 'edge-killed';
  const [edge, other] = ['master-3', 'master-1'].map((id) => running.node(id).url.replace('http', 'ws'));
  assert.ok(edge && other);
  // With default delays, the first attempt may come late enough for an event.
  const behind = new SdkClient({ urls: [edge, other], retry: { spreadMs: 50, baseMs: 50 } });
  const beside = new SdkClient({ urls: [other] });
  await behind.session.connect(await running.token(room, { owner: 'master-2' }));
  await beside.session.connect(await running.token(room));
  await until('both see both', () => [behind, beside].every((client) => client.count('connectionCreated') === 2));
  const before = await running.session(room);
  for (const client of [behind, beside]) client.forget();
  const pid = running.cluster.kill('master-3');
  await Promise.all([beside.session.signal({ data: 'to' }), behind.session.signal({ data: 'fro' })]);
  for (const client of [behind, beside]) {
    await until('both signals', () => client.signals.length >= 2);
    assert.deepEqual([...client.signals].sort(), ['fro', 'to']);
  }
  assert.deepEqual(behind.story(), ['reconnecting', 'reconnected']);
  assert.deepEqual(beside.story(), [], 'a short absence causes no event');
  assert.deepEqual(await running.session(room), before);
  for (const { session } of [behind, beside]) session.disconnect();
  await running.restarted('master-3', pid);
});

test('a frozen edge: its clients notice within five seconds and continue through another', async () => {
  const room = 'frozen-edge';
  const edge = running.node('master-3').url.replace('http', 'ws');
  const other = running.node('master-1').url.replace('http', 'ws');
  const behind = new SdkClient({ urls: [edge, other] });
  const beside = new SdkClient({ urls: [other] });
  await behind.session.connect(await running.token(room, { owner: 'master-2' }));
  await beside.session.connect(await running.token(room));
  behind.forget();
  const pid = running.cluster.kill('master-3', 'SIGSTOP');
  const frozenAt = performance.now();
  try {
    const { at } = await behind.happened('reconnecting');
    // 2 s between pings and 2.5 s for the answer; the rest is for a slow machine.
    assert.ok(at - frozenAt < 6_500, `${at - frozenAt} ms`);
    const sent = beside.session.signal({ data: 'are you there?' });
    await behind.happened('reconnected');
    await sent;
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await behind.session.signal({ data: 'I am' });
  for (const client of [behind, beside]) {
    await until('both signals', () => client.signals.length === 2);
    assert.deepEqual(client.signals, ['are you there?', 'I am']);
    assert.equal(client.count('sessionDisconnected') + client.count('sessionDestroyed'), 0);
    client.session.disconnect();
  }
});

test('an edge frozen too briefly for its client to notice: the client is not forgotten', async () => {
  const room = 'forgotten';
  const client = new SdkClient({ urls: [running.node('master-3').url.replace('http', 'ws')] });
  await client.session.connect(await running.token(room, { owner: 'master-2' }));
  const connectionId = client.session.connection?.connectionId;
  client.forget();
  const pid = running.cluster.kill('master-3', 'SIGSTOP');
  try {
    await until('its owner takes it for dead', () =>
      running
        .log('master-2')
        .some(({ msg, connection }) => msg === 'A connection is away.' && connection === connectionId),
    );
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  // The client sends nothing itself; its edge resumes for it.
  await until(
    'it has resumed',
    () =>
      ['master-1', 'master-2', 'master-3'].some((id) =>
        running
          .log(id)
          .some(({ msg, connection }) => msg === 'A connection has resumed.' && connection === connectionId),
      ),
    15_000,
  );
  await client.session.signal({ data: 'still known' });
  client.session.disconnect();
});

test('the media leaves a frozen media node; when it wakes up, nothing of the session remains there', async () => {
  const room = 'frozen-media';
  const client = new SdkClient();
  await client.session.connect(await running.token(room));
  const mediaNode = await running.mediaNodeOf(room);
  const { internalUrl, pid } = running.node(mediaNode);
  running.cluster.kill(mediaNode, 'SIGSTOP');
  try {
    await until('its media has moved', async () => (await running.mediaNodeOf(room)) !== mediaNode, 10_000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(
    'its room is closed',
    async () => {
      const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
      return /^rejoin_media_rooms\S* 0$/m.test(metrics);
    },
    10_000,
  );
  await client.session.signal({ data: 'here' });
  assert.equal(client.count('sessionDestroyed'), 0);
  client.session.disconnect();
});

test('the owner dies just after a move of its media: a stream that is not back yet has not ended', async () => {
  const room = 'moved-then-killed';
  const urlOf = (id: string): string => running.node(id).url.replace('http', 'ws');
  const viewer = new SdkClient({ urls: [urlOf('master-1')] });
  await viewer.session.connect(await running.token(room, { owner: 'master-2' }));
  const publisher = await RawMember.join(`${urlOf('master-3')}/rejoin`, await running.token(room));
  const told: string[] = [];
  viewer.session.on('streamCreated', ({ stream }) => told.push(`created ${stream.streamId}`));
  viewer.session.on('streamDestroyed', ({ stream, reason }) => told.push(`destroyed ${stream.streamId} ${reason}`));
  const streamId = await publisher.publish();
  await until('it is visible', () => told.length === 1);

  const mediaNode = await running.mediaNodeOf(room);
  const mediaPid = running.cluster.kill(mediaNode);
  await viewer.happened('reconnected');
  // The viewer is at the new media node; the stream is not, because its publisher is slow.
  const ownerPid = running.cluster.kill('master-2');
  await publisher.follow();
  await until('the viewer is at the next owner', async () => {
    const owner = await running.ownerOf(room);
    const resumed = running.log(owner).filter(({ msg }) => msg === 'A connection has resumed.');
    return resumed.some(({ connection }) => connection === viewer.session.connection?.connectionId);
  });
  assert.equal(await publisher.publish(), streamId);
  const self = viewer.session.connection;
  assert.ok(self);
  await viewer.session.signal({ data: 'behind all that the new owner has told', to: [self] });
  assert.deepEqual(told, [`created ${streamId}`]);

  // A stream that really ends still causes its event.
  await publisher.leave();
  await until('its end is announced', () => told.length > 1);
  assert.deepEqual(told.slice(1), [`destroyed ${streamId} disconnect`]);
  viewer.session.disconnect();
  await running.restarted(mediaNode, mediaPid);
  await running.restarted('master-2', ownerPid);
});

test('only a media worker is killed: only its sessions are hosted anew', async () => {
  const room = 'worker';
  const client = new SdkClient();
  await client.session.connect(await running.token(room));
  const node = running.node(await running.mediaNodeOf(room));
  const [worker] = workersOf(node.pid);
  assert.ok(worker, 'the media node has a worker');
  process.kill(worker, 'SIGKILL');
  const owner = await running.ownerOf(room);
  await until('its owner has seen it', () =>
    running
      .log(owner)
      .some(
        ({ msg, session }) => String(msg).startsWith('The media is lost') && String(session).startsWith(`${room}_`),
      ),
  );
  await client.session.signal({ data: 'here' });
  // A new participant joins at the new media node.
  const late = new SdkClient();
  await late.session.connect(await running.token(room));
  assert.equal(running.node(node.id).pid, node.pid, 'the media node itself lives');
  assert.equal(client.count('sessionDestroyed') + late.count('exception'), 0);
  for (const { session } of [client, late]) session.disconnect();
});
