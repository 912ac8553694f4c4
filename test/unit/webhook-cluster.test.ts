import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DirectoryEvents, LiveNode } from '../../src/server/master/cluster/directory.ts';
import { WEBHOOK_DEFAULTS } from '../../src/server/master/webhooks/webhook-settings.ts';
import { Webhooks, type WebhooksParts } from '../../src/server/master/webhooks/webhooks.ts';
import type { Identity, InstanceId, NodeId } from '../../src/server/shared/identity.ts';
import type { LiveBeat } from '../../src/server/shared/live-feed.ts';
import type { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { until } from '../fixtures/until.ts';
import { Receiver } from '../fixtures/webhooks/receiver.ts';
import { createSession, storeFiles } from '../fixtures/webhooks/store-file.ts';

const newStore = storeFiles();
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const identity = (id: string, url = 'http://10.0.0.1:4001'): Identity => ({
  id: id as NodeId,
  instance: `${id}@a` as InstanceId,
  role: 'master',
  url,
});
const media = 'media-1@a' as InstanceId;
const peer = identity('master-2').instance;

/** A master's view of the others, controlled by the test. */
class Sight extends EventEmitter<DirectoryEvents> {
  find(instance: InstanceId): LiveNode {
    return { instance, url: 'http://10.0.0.9:5001', beat: undefined, isDoubted: false };
  }
}
const beat = (more: Partial<LiveBeat> = {}): LiveBeat => ({
  kind: 'beat',
  load: 0,
  ready: true,
  facts: { workers: 1 },
  ...more,
});

async function receiving(): Promise<Receiver> {
  const receiver = await Receiver.start();
  ends.push(() => receiver.close());
  return receiver;
}

function master(store: SqliteStore, hook: Receiver, parts: Partial<WebhooksParts> = {}) {
  const metrics = new Registry();
  const webhooks = new Webhooks({
    self: identity('master-1'),
    store,
    settings: { ...WEBHOOK_DEFAULTS, targets: [hook.url], headers: [], events: undefined, secret: undefined },
    metrics,
    log: pino({ level: 'silent' }),
    clusterId: 'example.org',
    lookMs: 20,
    overdueMs: 60_000,
    ...parts,
  });
  ends.unshift(() => webhooks.close());
  const sight = new Sight();
  webhooks.follow(sight);
  return { webhooks, sight, metrics };
}
const story = (hook: Receiver): string[] =>
  hook.taken.map(({ body }) => [body['event'], body['newStatus']].filter((part) => part !== undefined).join(' '));

test('an unreported end of a session is reported with its time by the master that finds it', async () => {
  const { store } = newStore();
  const hook = await receiving();
  const session = await createSession(store, 'room', peer);
  const { webhooks } = master(store, hook, { overdueMs: 0 });
  void webhooks.tell(session, { kind: 'created', at: session.createdAt });
  await hook.got('sessionCreated');
  // The master that ended it in the store died before its next step.
  await store.endSession(session.uniqueSessionId, session.epoch, 'nodeCrashed');
  const endedAt = (await store.getEnded(session.uniqueSessionId))?.endedAt;
  const { body } = await hook.got('sessionDestroyed');
  assert.equal(body['reason'], 'nodeCrashed');
  assert.equal(body['timestamp'], endedAt);
  await until('nothing is left to report', async () => (await store.webhooks.unended(Date.now() + 1)).length === 0);
  assert.deepEqual(story(hook), ['sessionCreated', 'sessionDestroyed']);
});

test('undelivered events of a master whose death nobody saw are found', async () => {
  const { store } = newStore();
  const hook = await receiving();
  const session = await createSession(store, 'room', peer);
  hook.answer = () => 'hang';
  const lost = master(store, hook, { self: identity('master-2') });
  void lost.webhooks.tell(session, { kind: 'created', at: 1 });
  await until('it is being sent', () => hook.all.length === 1);
  await lost.webhooks.close();
  hook.answer = () => 200;
  master(store, hook);
  await hook.got('sessionCreated');
});

test('a media node retires, is recalled, loses its only worker, drains and ends', async () => {
  const { store } = newStore();
  const hook = await receiving();
  const { sight } = master(store, hook);
  sight.emit('up', media, 'media-node');
  sight.emit('beat', media, 'media-node', beat());
  sight.emit('beat', media, 'media-node', beat({ retires: true }));
  sight.emit('beat', media, 'media-node', beat({ retires: true }));
  sight.emit('beat', media, 'media-node', beat());
  sight.emit('beat', media, 'media-node', beat({ ready: false, facts: { workers: 0 } }));
  sight.emit('beat', media, 'media-node', beat());
  sight.emit('beat', media, 'media-node', beat({ ready: false }));
  sight.emit('dead', media, 'media-node', 'refused');
  sight.emit('up', 'media-1@b' as InstanceId, 'media-node');
  await hook.got('mediaNodeStatusChanged', { environmentId: 'media-1@b' });
  assert.deepEqual(
    story(hook).map((line) => line.replace('mediaNodeStatusChanged ', '')),
    ['running', 'waiting-idle-to-terminate', 'running', 'terminating', 'terminated', 'running'],
  );
});

test('a media node that ends without an announcement has crashed', async () => {
  const { store } = newStore();
  const hook = await receiving();
  const session = await createSession(store, 'room', peer);
  await store.placeSession(session.uniqueSessionId, session.epoch, media);
  const { sight } = master(store, hook);
  const earlier = await createSession(store, 'earlier', peer);
  await store.placeSession(earlier.uniqueSessionId, earlier.epoch, media);
  await store.endSession(earlier.uniqueSessionId, earlier.epoch, 'nodeCrashed');
  const aMoment = (since = store.now()) => until('a moment has passed', () => store.now() > since);
  await aMoment();
  sight.emit('up', media, 'media-node');
  sight.emit('beat', media, 'media-node', beat());
  // Another master is faster, and handles it.
  await store.endSession(session.uniqueSessionId, session.epoch, 'nodeCrashed');
  await aMoment();
  sight.emit('dead', media, 'media-node', 'refused');
  const { body } = await hook.got('nodeCrashed');
  assert.deepEqual(body['sessionIds'], ['room']);
  await hook.got('mediaNodeStatusChanged', { newStatus: 'terminated' });
});

test("a master's crash is reported before its sessions are handled, unless it had announced its end", async () => {
  const { store } = newStore();
  const hook = await receiving();
  const { sight, webhooks } = master(store, hook);
  const session = await createSession(store, 'room', peer);
  sight.emit('up', peer, 'master');
  sight.emit('beat', peer, 'master', beat({ facts: {} }));
  sight.emit('dead', peer, 'master', 'refused');
  await webhooks.masterDied(peer, [session]);
  assert.equal(await store.webhooks.count(identity('master-1').instance, hook.url), 1, 'it is stored');
  const { body } = await hook.got('nodeCrashed', { environmentId: peer });
  assert.equal(body['ip'], '10.0.0.9');
  assert.deepEqual(body['sessionIds'], ['room']);

  const orderly = identity('master-3').instance;
  sight.emit('up', orderly, 'master');
  sight.emit('beat', orderly, 'master', beat({ facts: {} }));
  sight.emit('beat', orderly, 'master', beat({ ready: false, facts: {} }));
  await webhooks.masterDied(orderly, []);
  sight.emit('up', 'master-3@b' as InstanceId, 'master');
  await webhooks.masterDied('master-3@b' as InstanceId, []);
  await hook.got('nodeCrashed', { environmentId: 'master-3@b' });
  assert.deepEqual(story(hook), ['nodeCrashed', 'nodeCrashed']);
});

test('a master that sees another die delivers its events at once', async () => {
  const { store } = newStore();
  const hook = await receiving();
  await store.renewLease({ id: 'master-2', instance: peer, role: 'master', url: 'http://x', load: 0 }, 60_000);
  hook.answer = () => 'hang';
  const lost = master(store, hook, { self: identity('master-2') });
  void lost.webhooks.tell(await createSession(store, 'room', peer), { kind: 'created', at: 1 });
  await until('it is being sent', () => hook.all.length === 1);
  await lost.webhooks.close();
  hook.answer = () => 200;
  const { sight } = master(store, hook);
  // Its lease is valid, and nobody saw it die, so it may still deliver.
  await until('some looks', async () => (await store.webhooks.count(peer, hook.url)) === 1);
  sight.emit('dead', peer, 'master', 'refused');
  await hook.got('sessionCreated');
});

test('a store that does not answer delays no decision for long', async () => {
  const { store } = newStore();
  const hook = await receiving();
  const hanging = new Proxy(store.webhooks, {
    get: (outbox, name) => {
      if (name === 'open') return () => new Promise(() => {});
      const method: unknown = Reflect.get(outbox, name);
      return typeof method === 'function' ? method.bind(outbox) : method;
    },
  });
  const { webhooks } = master(store, hook, { store: { webhooks: hanging, now: () => store.now() } });
  const since = performance.now();
  await webhooks.masterDied(peer, []);
  assert.ok(performance.now() - since < 3_000);
});

test('the metrics count waiting and completed deliveries, without secrets of the URL', async () => {
  const { store } = newStore();
  const hook = await receiving();
  hook.answer = () => 'hang';
  const secretive = { url: `${hook.url}?key=hidden` } as Receiver;
  const { webhooks, metrics } = master(store, secretive);
  void webhooks.tell(await createSession(store, 'room', peer), { kind: 'created', at: 1 });
  await until('it is being sent', () => hook.all.length === 1);
  const text = await metrics.metrics();
  assert.ok(text.includes(`rejoin_webhook_queue{target="${hook.url}"} 1`), text);
  assert.ok(text.includes(`rejoin_webhook_sent_total{target="${hook.url}"} 0`), text);
  assert.ok(!text.includes('hidden'));
});
