import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { RawMember } from '../fixtures/cluster/raw-member.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';
import { documentedCheck } from '../fixtures/webhooks/documented-check.ts';
import { Receiver } from '../fixtures/webhooks/receiver.ts';

const SECRET = 'webhook secret';
const TRIES = 4;

let receiver: Receiver;
let other: Receiver;
let running: RunningCluster;

before(async () => {
  [receiver, other] = await Promise.all([Receiver.start(), Receiver.start()]);
  running = await RunningCluster.start({
    masters: 3,
    timing: { verdictMs: 1_500, beatMs: 300 },
    webhooks: {
      targets: [receiver.url, other.url],
      headers: [{ name: 'Authorization', value: 'Bearer abc' }],
      secret: SECRET,
      tries: TRIES,
      timeoutMs: 1_500,
    },
  });
});
after(async () => {
  await running.stop();
  await receiver.close();
  await other.close();
});
beforeEach(async () => {
  await running.rested();
  for (const one of [receiver, other]) one.answer = () => 200;
});

/** Makes a session with the test's owner and policy. */
async function create(
  room: string,
  options: { owner?: string; failover?: 'rebuild' | 'takeover' } = {},
): Promise<void> {
  const { owner = 'master-2', failover = 'rebuild' } = options;
  const body = { customSessionId: room, failover };
  await until(`${room} is created`, async () => {
    const { status } = await running.rest('POST', '/sessions', body, { base: running.node(owner).url });
    return status === 200;
  });
}

/** Joins through an edge that no test kills. */
async function enter(room: string, data = ''): Promise<RawMember> {
  const url = `${running.node('master-1').url.replace('http', 'ws')}/rejoin`;
  return RawMember.join(url, await running.token(room, { data }));
}

/** Blocks all other access to the store until it is closed. */
function lockStore(): DatabaseSync {
  const db = new DatabaseSync(join(running.cluster.stateDir, 'store.sqlite'));
  db.exec('PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE');
  return db;
}

function shortly(body: Readonly<Record<string, unknown>>): string {
  const { event, connectionId, connection, reason } = body;
  return [event, connectionId, connection, reason].filter((part) => part !== undefined).join(' ');
}
const storyOf = (room: string, at = receiver): string[] => at.bodiesOf(room).map(shortly);

async function nodeEvents(name: string, environmentId: string): Promise<Readonly<Record<string, unknown>>[]> {
  await receiver.got(name, { environmentId });
  return receiver.taken
    .map(({ body }) => body)
    .filter((body) => body['event'] === name && body['environmentId'] === environmentId);
}

test('the whole life of a session, in order, signed, at every receiver, each event once', async () => {
  const room = 'life';
  await create(room);
  const [ann, bob] = [await enter(room, 'Ann'), await enter(room, 'Bob')];
  const stream = await ann.publish();
  await bob.subscribe(stream);
  await ann.request('signal', { id: 's1', type: 'chat', data: 'Hello', to: [ann.id] });
  await running.rest('POST', '/signal', { session: room, type: 'news', data: 'from the server' });
  await bob.request('unsubscribe', { streamId: stream });
  const second = await bob.publish('bbbb');
  await bob.request('unpublish', { streamId: second });
  await running.rest('DELETE', `/sessions/${room}/connection/${ann.id}`);
  await bob.leave();
  // Well before the sweep for unreported events would run.
  for (const one of [receiver, other]) await one.got('sessionDestroyed', { sessionId: room }, 8_000);

  const story = [
    'sessionCreated',
    `participantJoined ${ann.id}`,
    `participantJoined ${bob.id}`,
    `webrtcConnectionCreated ${ann.id} OUTBOUND`,
    `webrtcConnectionCreated ${bob.id} INBOUND`,
    'signalSent',
    'signalSent',
    `webrtcConnectionDestroyed ${bob.id} INBOUND unsubscribe`,
    `webrtcConnectionCreated ${bob.id} OUTBOUND`,
    `webrtcConnectionDestroyed ${bob.id} OUTBOUND unpublish`,
    `webrtcConnectionDestroyed ${ann.id} OUTBOUND forceDisconnectByServer`,
    `participantLeft ${ann.id} forceDisconnectByServer`,
    `participantLeft ${bob.id} disconnect`,
    'sessionDestroyed lastParticipantLeft',
  ];
  assert.deepEqual(storyOf(room), story);
  assert.deepEqual(storyOf(room, other), story);

  const bodies = receiver.bodiesOf(room);
  const times = bodies.map(({ timestamp }) => Number(timestamp));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  const [joined] = bodies.filter(({ event }) => event === 'participantJoined');
  assert.equal(joined?.['serverData'], 'Ann');
  assert.equal(joined?.['ip'], '127.0.0.1');
  const [inbound] = bodies.filter(({ connection }) => connection === 'INBOUND');
  assert.equal(inbound?.['receivingFrom'], ann.id);
  assert.equal(inbound?.['streamId'], stream);
  assert.equal(inbound?.['videoDimensions'], '{"width":640,"height":480}');
  const signals = bodies.filter(({ event }) => event === 'signalSent');
  assert.deepEqual(
    signals.map(({ from, to, type, data }) => ({ from, to, type, data })),
    [
      { from: ann.id, to: [ann.id], type: 'chat', data: 'Hello' },
      { from: null, to: [ann.id, bob.id], type: 'news', data: 'from the server' },
    ],
  );

  const check = await documentedCheck();
  const calls = receiver.taken.filter(({ body }) => body['sessionId'] === room);
  for (const { text, headers } of calls) {
    assert.equal(check(text, String(headers['x-rejoin-signature']), SECRET), true);
    assert.equal(headers['authorization'], 'Bearer abc');
  }
  assert.equal(receiver.repeats + other.repeats, 0, 'each event once');
});

test('a receiver that fails and one that hangs: the order is kept, the session does not wait, and the other receiver gets everything at once', async () => {
  const room = 'failing';
  let state: 'hangs' | 'fails' | 'is well' = 'hangs';
  receiver.answer = ({ body }) => {
    if (body['event'] !== 'participantJoined' || state === 'is well') return 200;
    if (state === 'hangs') return 'hang';
    state = 'is well';
    return 500;
  };
  await create(room);
  const ann = await enter(room);
  await ann.leave();
  await other.got('sessionDestroyed', { sessionId: room });
  assert.deepEqual(receiver.eventsOf(room), ['sessionCreated'], 'it still has not accepted the second');
  state = 'fails';
  await receiver.got('sessionDestroyed', { sessionId: room });
  assert.equal(receiver.all.filter(({ status }) => status === 500).length, 1);
  const story = ['sessionCreated', 'participantJoined', 'participantLeft', 'sessionDestroyed'];
  assert.deepEqual(receiver.eventsOf(room), story);
  assert.deepEqual(other.eventsOf(room), story);
  assert.equal(receiver.repeats + other.repeats, 0);
});

test('an unreachable receiver: after the maximum of attempts events are dropped, logged and counted; later ones arrive', async () => {
  const room = 'away';
  const { port } = other;
  /** The master's metrics: its deliveries to one receiver, and its failures at the other. */
  const metrics = async () => {
    const text = await (await fetch(`${running.node('master-3').internalUrl}/metrics`)).text();
    const value = (name: string, { url }: Receiver): number =>
      Number(new RegExp(`^rejoin_webhook_${name}\\{[^}]*target="${url}"[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
    return {
      sent: value('sent_total', receiver),
      failed: value('failed_total', other),
      dropped: value('dropped_total', other),
      queue: value('queue', receiver),
    };
  };
  const before = await metrics();
  await other.close();
  await create(room, { owner: 'master-3' });
  const dropped = await until('it is dropped', () =>
    running
      .log('master-3')
      .find(({ msg, event }) => String(msg).startsWith('Dropped a webhook event') && event === 'sessionCreated'),
  );
  assert.equal(dropped['tries'], TRIES);
  assert.equal(dropped['why'], 'ECONNREFUSED');
  assert.equal(dropped['target'], `http://127.0.0.1:${port}/hook`);
  assert.deepEqual(receiver.eventsOf(room), ['sessionCreated']);
  other = await Receiver.start(port);
  const ann = await enter(room);
  await ann.leave();
  await other.got('sessionDestroyed', { sessionId: room });
  assert.deepEqual(other.eventsOf(room), ['participantJoined', 'participantLeft', 'sessionDestroyed']);
  assert.deepEqual(
    await until('it is counted', async () => {
      const now = await metrics();
      return now.sent - before.sent >= 4 && now.queue === 0 && now;
    }),
    { sent: before.sent + 4, failed: before.failed + TRIES, dropped: before.dropped + 1, queue: 0 },
  );
});

test('the owner is killed, policy rebuild: each participant has left, once, and the session is destroyed', async () => {
  const room = 'rebuilt';
  await create(room);
  const [ann, bob] = [await enter(room), await enter(room)];
  const stream = await ann.publish();
  await bob.subscribe(stream);
  const before = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2');
  const destroyed = await receiver.got('sessionDestroyed', { sessionId: room });
  assert.equal(destroyed.body['reason'], 'nodeCrashed');
  assert.equal(destroyed.body['uniqueSessionId'], before.uniqueSessionId);
  assert.equal(destroyed.body['startTime'], before.createdAt);
  await running.restarted('master-2', pid);
  await create(room, { owner: 'master-3' });
  await until(
    'it has begun anew',
    () => receiver.eventsOf(room).filter((event) => event === 'sessionCreated').length === 2,
  );
  assert.deepEqual(storyOf(room).slice(5), [
    `webrtcConnectionDestroyed ${bob.id} INBOUND nodeCrashed`,
    `webrtcConnectionDestroyed ${ann.id} OUTBOUND nodeCrashed`,
    `participantLeft ${ann.id} nodeCrashed`,
    `participantLeft ${bob.id} nodeCrashed`,
    'sessionDestroyed nodeCrashed',
    'sessionCreated',
  ]);
  const crashes = await nodeEvents('nodeCrashed', before.owner);
  assert.equal(crashes.length, 1);
  assert.equal(crashes[0]?.['nodeRole'], 'masternode');
  assert.equal(crashes[0]?.['id'], 'master-2');
  assert.deepEqual(crashes[0]?.['sessionIds'], [room]);
  const recovered = await until('it has recovered', () =>
    receiver.taken.filter(({ body }) => body['event'] === 'nodeRecovered' && body['id'] === 'master-2').at(-1),
  );
  assert.notEqual(recovered.body['environmentId'], before.owner);
  await running.rest('DELETE', `/sessions/${room}`);
  for (const { client } of [ann, bob]) client.close();
});

test('the owner is killed, policy takeover: nobody has left, and later events follow', async () => {
  const room = 'taken-over';
  await create(room, { failover: 'takeover' });
  const [ann, bob] = [await enter(room), await enter(room)];
  const stream = await ann.publish();
  await bob.subscribe(stream);
  const before = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2');
  await ann.follow();
  await bob.follow();
  await ann.request('signal', { id: 's1', to: [ann.id], data: 'at the new one' });
  await bob.leave();
  await ann.leave();
  const destroyed = await receiver.got('sessionDestroyed', { sessionId: room });
  assert.equal(destroyed.body['startTime'], before.createdAt, 'it has survived the crash');
  assert.deepEqual(storyOf(room), [
    'sessionCreated',
    `participantJoined ${ann.id}`,
    `participantJoined ${bob.id}`,
    `webrtcConnectionCreated ${ann.id} OUTBOUND`,
    `webrtcConnectionCreated ${bob.id} INBOUND`,
    'signalSent',
    `webrtcConnectionDestroyed ${bob.id} INBOUND disconnect`,
    `participantLeft ${bob.id} disconnect`,
    `webrtcConnectionDestroyed ${ann.id} OUTBOUND disconnect`,
    `participantLeft ${ann.id} disconnect`,
    'sessionDestroyed lastParticipantLeft',
  ]);
  assert.equal(new Set(receiver.bodiesOf(room).map((body) => body['uniqueSessionId'])).size, 1);
  const [crash, ...others] = await nodeEvents('nodeCrashed', before.owner);
  assert.deepEqual(crash?.['sessionIds'], [room]);
  assert.deepEqual(others, []);
  await running.restarted('master-2', pid);
});

test('a master is killed with undelivered events: another delivers them, in order', async () => {
  const room = 'inherited';
  let isStuck = true;
  receiver.answer = () => (isStuck ? 'hang' : 200);
  await create(room, { failover: 'takeover' });
  const ann = await enter(room);
  await other.got('participantJoined', { sessionId: room });
  const before = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2');
  await ann.follow();
  await ann.leave();
  await other.got('sessionDestroyed', { sessionId: room });
  isStuck = false;
  await receiver.got('sessionDestroyed', { sessionId: room }, 40_000);
  const story = ['sessionCreated', 'participantJoined', 'participantLeft', 'sessionDestroyed'];
  assert.deepEqual(receiver.eventsOf(room), story);
  assert.deepEqual(other.eventsOf(room), story);
  assert.equal((await nodeEvents('nodeCrashed', before.owner)).length, 1);
  await running.restarted('master-2', pid);
});

test('a frozen owner is declared dead and wakes up: it sends no events of its former sessions', async () => {
  const room = 'frozen';
  await create(room);
  const ann = await enter(room);
  const before = await until('it exists', () => running.session(room));
  const pid = running.cluster.kill('master-2', 'SIGSTOP');
  try {
    await receiver.got('sessionDestroyed', { sessionId: room });
    process.kill(pid, 'SIGCONT');
    await until('it has stepped down', () =>
      running
        .log('master-2')
        .some(({ msg, session }) => String(msg).startsWith('Stepped down') && session === before.uniqueSessionId),
    );
    await receiver.got('nodeRecovered', { environmentId: before.owner });
    await create(room, { owner: 'master-2' });
    await until('it has begun anew', () => receiver.eventsOf(room).length > 4);
    assert.deepEqual(storyOf(room), [
      'sessionCreated',
      `participantJoined ${ann.id}`,
      `participantLeft ${ann.id} nodeCrashed`,
      'sessionDestroyed nodeCrashed',
      'sessionCreated',
    ]);
    assert.equal((await nodeEvents('nodeCrashed', before.owner)).length, 1);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await running.rest('DELETE', `/sessions/${room}`);
  ann.client.close();
});

test('a media node is killed: its crash is reported, its sessions are destroyed or continue, and it returns', async () => {
  const [rebuilt, taken] = ['media-rebuilt', 'media-taken'];
  await create(rebuilt);
  const ann = await enter(rebuilt);
  const mediaNode = await running.mediaNodeOf(rebuilt);
  const { mediaNode: environmentId } = await until('it exists', () => running.session(rebuilt));
  assert.ok(environmentId);
  // Another session on the same node, which depends on the loads.
  const clients: SdkClient[] = [];
  let room = '';
  for (let n = 0; room === ''; n += 1) {
    await create(`${taken}-${n}`, { owner: 'master-3', failover: 'takeover' });
    const client = new SdkClient();
    clients.push(client);
    await client.session.connect(await running.token(`${taken}-${n}`));
    if ((await running.mediaNodeOf(`${taken}-${n}`)) === mediaNode) room = `${taken}-${n}`;
  }
  const pid = running.cluster.kill(mediaNode);
  await receiver.got('sessionDestroyed', { sessionId: rebuilt });
  await running.restarted(mediaNode, pid);
  await until('it has recovered', () =>
    receiver.taken.find(({ body }) => body['event'] === 'nodeRecovered' && body['id'] === mediaNode),
  );
  assert.deepEqual(storyOf(rebuilt), [
    'sessionCreated',
    `participantJoined ${ann.id}`,
    `participantLeft ${ann.id} nodeCrashed`,
    'sessionDestroyed nodeCrashed',
  ]);
  assert.deepEqual(receiver.eventsOf(room), ['sessionCreated', 'participantJoined']);
  const [crash, ...others] = await nodeEvents('nodeCrashed', environmentId);
  assert.ok(crash);
  assert.deepEqual(others, []);
  assert.equal(crash['nodeRole'], 'medianode');
  assert.deepEqual([...(crash['sessionIds'] as string[])].sort(), [rebuilt, room].sort());
  const statuses = (await nodeEvents('mediaNodeStatusChanged', environmentId)).map(
    ({ oldStatus, newStatus }) => `${oldStatus} ${newStatus}`,
  );
  assert.deepEqual(statuses, ['launching running', 'running terminated']);
});

test('a master and a media node drain: no crash is reported, and their sessions’ events follow', async () => {
  const room = 'drained';
  // An earlier test may have caused a verdict for one of them.
  const earlier = receiver.taken.length;
  await create(room);
  const ann = await enter(room);
  const before = await until('it exists', () => running.session(room));
  const { owner, mediaNode } = before;
  assert.ok(mediaNode);
  const nodes = ['master-2', await running.mediaNodeOf(room)];
  const pids = nodes.map((id) => running.cluster.kill(id, 'SIGTERM'));
  await ann.follow();
  for (const [at, id] of nodes.entries()) await running.restarted(id, pids[at] ?? 0);
  await until(
    'the media node has ended',
    async () => (await nodeEvents('mediaNodeStatusChanged', mediaNode)).length === 3,
  );
  await ann.leave();
  await receiver.got('sessionDestroyed', { sessionId: room });
  assert.deepEqual(receiver.eventsOf(room), [
    'sessionCreated',
    'participantJoined',
    'participantLeft',
    'sessionDestroyed',
  ]);
  const statuses = (await nodeEvents('mediaNodeStatusChanged', mediaNode)).map(({ newStatus }) => newStatus);
  assert.deepEqual(statuses, ['running', 'terminating', 'terminated']);
  const crashed = receiver.taken
    .slice(earlier)
    .filter(({ body }) => body['event'] === 'nodeCrashed')
    .map(({ body }) => body['environmentId']);
  assert.deepEqual(
    [owner, mediaNode].filter((instance) => crashed.includes(instance)),
    [],
  );
});

test('the store is down for a while: the session continues, and its events arrive later, in order', async () => {
  const room = 'store-down';
  await create(room);
  const [ann, bob] = [await enter(room), await enter(room)];
  await receiver.got('participantJoined', { connectionId: bob.id });
  const db = lockStore();
  let streams: string[] = [];
  try {
    const first = await ann.publish();
    const second = await bob.publish('bbbb');
    streams = [first, second];
    await ann.request('unpublish', { streamId: first });
    // Longer than any call to the store waits, so the master logs the failure and tries again.
    await until('it is logged', () =>
      running.log('master-2').some(({ msg }) => String(msg).includes('events wait for it')),
    );
    assert.deepEqual(receiver.eventsOf(room).length, 3);
  } finally {
    db.close();
  }
  await bob.leave();
  await ann.leave();
  await receiver.got('sessionDestroyed', { sessionId: room });
  assert.deepEqual(storyOf(room).slice(3), [
    `webrtcConnectionCreated ${ann.id} OUTBOUND`,
    `webrtcConnectionCreated ${bob.id} OUTBOUND`,
    `webrtcConnectionDestroyed ${ann.id} OUTBOUND unpublish`,
    `webrtcConnectionDestroyed ${bob.id} OUTBOUND disconnect`,
    `participantLeft ${bob.id} disconnect`,
    `participantLeft ${ann.id} disconnect`,
    'sessionDestroyed lastParticipantLeft',
  ]);
  assert.equal(streams.length, 2);
});

test('the owner dies while the store is down: the next one finds and sends the unwritten events', async () => {
  const room = 'store-down-too';
  await create(room, { failover: 'takeover' });
  const ann = await enter(room);
  await receiver.got('participantJoined', { connectionId: ann.id });
  const db = lockStore();
  let pid = 0;
  try {
    await ann.publish();
    pid = running.cluster.kill('master-2');
  } finally {
    db.close();
  }
  await ann.follow();
  await ann.leave();
  await receiver.got('sessionDestroyed', { sessionId: room });
  assert.deepEqual(storyOf(room), [
    'sessionCreated',
    `participantJoined ${ann.id}`,
    `webrtcConnectionCreated ${ann.id} OUTBOUND`,
    `webrtcConnectionDestroyed ${ann.id} OUTBOUND disconnect`,
    `participantLeft ${ann.id} disconnect`,
    'sessionDestroyed lastParticipantLeft',
  ]);
  await running.restarted('master-2', pid);
});

test('the only master is killed with undelivered events: its next run delivers them', async () => {
  const hook = await Receiver.start();
  let isStuck = true;
  hook.answer = () => (isStuck ? 'hang' : 200);
  const alone = await RunningCluster.start({
    masters: 1,
    mediaNodes: 1,
    webhooks: { targets: [hook.url], events: ['sessionCreated', 'sessionDestroyed', 'nodeCrashed'] },
  });
  try {
    await alone.token('alone');
    await until('it is being sent', () => hook.all.length > 0);
    const pid = alone.cluster.kill('master-1');
    await alone.restarted('master-1', pid);
    isStuck = false;
    const { headers } = await hook.got('sessionCreated', { sessionId: 'alone' });
    assert.equal(headers['x-rejoin-event-id'], hook.all[0]?.headers['x-rejoin-event-id'], 'the same event');
    assert.equal(headers['x-rejoin-signature'], undefined);
    // The next request for the session reveals its end.
    await alone.token('alone');
    await until('it has begun anew', () => hook.eventsOf('alone').length === 3);
    assert.deepEqual(hook.eventsOf('alone'), ['sessionCreated', 'sessionDestroyed', 'sessionCreated']);
    assert.deepEqual(
      hook.taken.map(({ body }) => body['event']),
      ['sessionCreated', 'nodeCrashed', 'sessionDestroyed', 'sessionCreated'],
    );
  } finally {
    await alone.stop();
    await hook.close();
  }
});

test('a session is recreated repeatedly, at one master after the other: no life is reported before the end of the former one', async () => {
  const room = 'life-after-life';
  const masters = ['master-1', 'master-2', 'master-3'].map((id) => running.node(id).url);
  // Deliveries form one sequence over several masters, so limit them to a number that fits the time.
  const LIVES = 60;
  let created = 0;
  const endsAt = performance.now() + 6_000;
  const goesOn = (): boolean => created < LIVES && performance.now() < endsAt;
  const create = async (at: number): Promise<void> => {
    while (goesOn()) {
      const { status } = await running.rest(
        'POST',
        '/sessions',
        { customSessionId: room },
        { base: masters[at] ?? '' },
      );
      if (status === 200) created += 1;
    }
  };
  const close = async (at: number): Promise<void> => {
    while (goesOn()) await running.rest('DELETE', `/sessions/${room}`, undefined, { base: masters[at] ?? '' });
  };
  await Promise.all([create(0), create(1), create(2), close(0), close(1), close(2)]);
  await running.rest('DELETE', `/sessions/${room}`);
  assert.ok(created > 10, `${created}`);
  const lives = (): Readonly<Record<string, unknown>>[] =>
    receiver.bodiesOf(room).filter(({ event }) => event === 'sessionCreated' || event === 'sessionDestroyed');
  await until('all events have arrived', () => lives().length >= 2 * created, 20_000);
  let open: unknown;
  for (const { event, uniqueSessionId } of lives()) {
    assert.equal(open, event === 'sessionCreated' ? undefined : uniqueSessionId, `${event} ${uniqueSessionId}`);
    open = event === 'sessionCreated' ? uniqueSessionId : undefined;
  }
  assert.equal(lives().length, 2 * created);
});
