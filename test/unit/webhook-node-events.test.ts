import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionId } from '../../src/protocol/ids.ts';
import { EventMaker } from '../../src/server/master/webhooks/event-maker.ts';
import type { EventSource } from '../../src/server/master/webhooks/event-writer.ts';
import { type KnownNode, NodeEvents } from '../../src/server/master/webhooks/node-events.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { storeFiles } from '../fixtures/webhooks/store-file.ts';

const newStore = storeFiles();
const HOOK = 'http://hook/';
const START = 1_700_000_000_000;

type Body = Readonly<Record<string, unknown>>;

const node = (instance: string, role: KnownNode['role'] = 'media-node'): KnownNode => ({
  instance: instance as InstanceId,
  role,
  url: 'http://10.0.0.4:5001',
});
const MEDIA = node('media-1@a');
const MASTER = node('master-1@a', 'master');

/** Several masters that observe the same events at one store, and the resulting webhooks. */
class Watchers {
  now = START;
  readonly #store: SqliteStore;
  readonly #events: NodeEvents;

  constructor() {
    this.#store = newStore().store;
    this.#events = new NodeEvents(this.#store.webhooks, new EventMaker([HOOK]), 'example.org');
  }

  /** Both masters observe the start. */
  async up(seen: KnownNode): Promise<Body[]> {
    return this.#twice(() => this.#events.up(seen, this.now));
  }

  async status(seen: KnownNode, status: 'running' | 'waiting-idle-to-terminate' | 'terminating'): Promise<Body[]> {
    return this.#twice(() => this.#events.statusChanged(seen.instance, status, this.now));
  }

  async gone(seen: KnownNode, wasAsked = false, sessions: readonly string[] = []): Promise<Body[]> {
    const left = async () => sessions as readonly SessionId[];
    return this.#twice(() => this.#events.gone(seen.instance, wasAsked, left, this.now));
  }

  async #twice(source: () => EventSource): Promise<Body[]> {
    const seen = [];
    for (const owner of ['master-8@x', 'master-9@y']) {
      this.now += 1;
      const made = source();
      seen.push({ owner: owner as InstanceId, events: typeof made === 'function' ? await made() : made });
    }
    // Both have read before either has written.
    for (const { owner, events } of seen) await this.#store.webhooks.put(events, owner, 100);
    await this.#store.webhooks.claim('all@z' as InstanceId);
    const bodies: Body[] = [];
    for (;;) {
      const delivery = await this.#store.webhooks.next('all@z' as InstanceId, HOOK);
      if (!delivery) return bodies;
      bodies.push(JSON.parse(delivery.body) as Body);
      await this.#store.webhooks.remove(delivery.seq);
    }
  }
}

function shortly({ event, environmentId, oldStatus, newStatus }: Body): string {
  return [event, environmentId, oldStatus, newStatus].filter((part) => part !== undefined).join(' ');
}

test('a media node starts, crashes and returns: each reported once, though all masters see it', async () => {
  const watchers = new Watchers();
  const fields = { id: 'media-1', ip: '10.0.0.4', uri: 'http://10.0.0.4:5001', clusterId: 'example.org' };
  assert.deepEqual(await watchers.up(MEDIA), [
    {
      ...{ event: 'mediaNodeStatusChanged', timestamp: START + 1, ...fields, environmentId: 'media-1@a' },
      ...{ oldStatus: 'launching', newStatus: 'running' },
    },
  ]);
  assert.deepEqual(await watchers.gone(MEDIA, false, ['room', 'other']), [
    {
      ...{ event: 'nodeCrashed', timestamp: START + 3, ...fields, environmentId: 'media-1@a', nodeRole: 'medianode' },
      ...{ timeOfDisconnection: START + 3, sessionIds: ['room', 'other'], recordingIds: [], broadcasts: [] },
    },
    {
      ...{ event: 'mediaNodeStatusChanged', timestamp: START + 3, ...fields, environmentId: 'media-1@a' },
      ...{ oldStatus: 'running', newStatus: 'terminated' },
    },
  ]);
  assert.deepEqual(await watchers.up(node('media-1@b')), [
    {
      ...{ event: 'mediaNodeStatusChanged', timestamp: START + 5, ...fields, environmentId: 'media-1@b' },
      ...{ oldStatus: 'launching', newStatus: 'running' },
    },
    {
      ...{ event: 'nodeRecovered', timestamp: START + 5, ...fields, environmentId: 'media-1@b' },
      nodeRole: 'medianode',
    },
  ]);
  assert.deepEqual(await watchers.gone(MEDIA), [], 'a late observer reports nothing new');
});

test('a master that crashes and returns', async () => {
  const watchers = new Watchers();
  assert.deepEqual(await watchers.up(MASTER), [], 'its presence is not an event');
  const [crashed, ...others] = await watchers.gone(MASTER, false, ['room']);
  assert.ok(crashed);
  assert.deepEqual(others, []);
  assert.equal(crashed['event'], 'nodeCrashed');
  assert.equal(crashed['nodeRole'], 'masternode');
  assert.equal(crashed['ip'], '10.0.0.4');
  assert.deepEqual(crashed['sessionIds'], ['room']);
  const [recovered] = await watchers.up(node('master-1@b', 'master'));
  assert.equal(recovered?.['event'], 'nodeRecovered');
  assert.equal(recovered?.['nodeRole'], 'masternode');
});

test('a drained node has not crashed, unless it left sessions behind', async () => {
  const watchers = new Watchers();
  await watchers.up(MASTER);
  assert.deepEqual(await watchers.gone(MASTER, true), []);
  assert.deepEqual(await watchers.up(node('master-1@b', 'master')), []);
  const [crashed] = await watchers.gone(node('master-1@b', 'master'), true, ['room']);
  assert.equal(crashed?.['event'], 'nodeCrashed');

  await watchers.up(MEDIA);
  assert.deepEqual((await watchers.status(MEDIA, 'terminating')).map(shortly), [
    'mediaNodeStatusChanged media-1@a running terminating',
  ]);
  assert.deepEqual((await watchers.gone(MEDIA, true)).map(shortly), [
    'mediaNodeStatusChanged media-1@a terminating terminated',
  ]);
});

test('a media node that retires and is recalled, twice', async () => {
  const watchers = new Watchers();
  await watchers.up(MEDIA);
  for (const round of [1, 2]) {
    const told = [
      ...(await watchers.status(MEDIA, 'waiting-idle-to-terminate')),
      ...(await watchers.status(MEDIA, 'running')),
    ];
    assert.deepEqual(
      told.map(shortly),
      [
        'mediaNodeStatusChanged media-1@a running waiting-idle-to-terminate',
        'mediaNodeStatusChanged media-1@a waiting-idle-to-terminate running',
      ],
      `round ${round}`,
    );
  }
  await watchers.status(MEDIA, 'waiting-idle-to-terminate');
  assert.deepEqual(await watchers.up(MEDIA), [], 'seen by a master that has just started');
});

test('a node that was only silent and returns may crash again', async () => {
  const watchers = new Watchers();
  await watchers.up(MEDIA);
  for (const round of [1, 2]) {
    assert.deepEqual(
      (await watchers.gone(MEDIA)).map(shortly),
      ['nodeCrashed media-1@a', 'mediaNodeStatusChanged media-1@a running terminated'],
      `round ${round}`,
    );
    assert.deepEqual(
      (await watchers.up(MEDIA)).map(shortly),
      ['mediaNodeStatusChanged media-1@a launching running', 'nodeRecovered media-1@a'],
      `round ${round}`,
    );
  }
});

test('a node that returns before its end was noticed', async () => {
  const watchers = new Watchers();
  await watchers.up(MEDIA);
  await watchers.up(node('media-1@b'));
  assert.deepEqual((await watchers.gone(MEDIA)).map(shortly), [
    'nodeCrashed media-1@a',
    'mediaNodeStatusChanged media-1@a running terminated',
    'nodeRecovered media-1@b',
  ]);
  assert.deepEqual((await watchers.gone(node('media-1@b'))).map(shortly), [
    'nodeCrashed media-1@b',
    'mediaNodeStatusChanged media-1@b running terminated',
  ]);
});

test('remains of a run with an unseen end do not mean that its node has returned', async () => {
  const watchers = new Watchers();
  await watchers.up(MEDIA);
  await watchers.up(node('media-1@b'));
  assert.deepEqual((await watchers.gone(node('media-1@b'))).map(shortly), [
    'nodeCrashed media-1@b',
    'mediaNodeStatusChanged media-1@b running terminated',
  ]);
});

test('the end of a node with an unseen start is not reported', async () => {
  const watchers = new Watchers();
  assert.deepEqual(await watchers.gone(MEDIA), []);
  assert.deepEqual(await watchers.status(MEDIA, 'terminating'), []);
});
