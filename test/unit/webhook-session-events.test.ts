import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ConnectionId, StreamId } from '../../src/protocol/ids.ts';
import type { StreamInfo } from '../../src/protocol/model.ts';
import { type JoinedConnection, Member } from '../../src/server/master/owner/member.ts';
import { Publication } from '../../src/server/master/owner/publication.ts';
import type { SessionFact, SessionLife } from '../../src/server/master/owner/session-chronicle.ts';
import { EventMaker } from '../../src/server/master/webhooks/event-maker.ts';
import { EventWriter } from '../../src/server/master/webhooks/event-writer.ts';
import { SessionEvents } from '../../src/server/master/webhooks/session-events.ts';
import type { WebhookEventName } from '../../src/server/master/webhooks/webhook-events.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import type { SessionRecord, TokenHash } from '../../src/server/store/store.ts';
import { createSession, storeFiles } from '../fixtures/webhooks/store-file.ts';

const newStore = storeFiles();
const A = 'master-1@a' as InstanceId;
const B = 'master-2@b' as InstanceId;
const HOOK = 'http://hook/';
const START = 1_700_000_000_000;

type Body = Readonly<Record<string, unknown>>;

/** A master that reports given facts. */
class Teller {
  now = START;
  readonly #store: SqliteStore;
  readonly #owner: InstanceId;
  readonly #events: SessionEvents;
  readonly #writer: EventWriter;

  constructor(store: SqliteStore, owner: InstanceId, wanted?: WebhookEventName[]) {
    this.#store = store;
    this.#owner = owner;
    this.#events = new SessionEvents(store.webhooks, new EventMaker([HOOK], wanted));
    this.#writer = new EventWriter({
      outbox: store.webhooks,
      owner,
      bound: 1_000,
      log: pino({ level: 'silent' }),
      written: () => {},
      dropped: () => {},
    });
  }

  async tell(session: SessionLife, ...facts: readonly SessionFact[]): Promise<void> {
    for (const fact of facts) await this.#writer.written(this.#events.of(session, fact, this.now));
  }

  /** The waiting deliveries, which are then removed. */
  async told(): Promise<Body[]> {
    const bodies: Body[] = [];
    for (;;) {
      const delivery = await this.#store.webhooks.next(this.#owner, HOOK);
      if (!delivery) return bodies;
      const body = JSON.parse(delivery.body) as Body;
      assert.equal(body['event'], delivery.name);
      bodies.push(body);
      await this.#store.webhooks.remove(delivery.seq);
    }
  }

  async events(): Promise<string[]> {
    return (await this.told()).map(shortly);
  }
}

/** E.g. `participantLeft con_ann disconnect`. */
function shortly(body: Body): string {
  const { event, connectionId, connection, streamId, reason } = body;
  return [event, connectionId, connection, streamId, reason].filter((part) => part !== undefined).join(' ');
}

const ann = 'con_ann' as ConnectionId;
const bob = 'con_bob' as ConnectionId;
const cam = 'str_CAM_aaaa_con_ann' as StreamId;

function connection(connectionId: ConnectionId, session: SessionRecord): JoinedConnection {
  return {
    connectionId,
    sessionId: session.sessionId,
    uniqueSessionId: session.uniqueSessionId,
    tokenSalt: 'salt',
    tokenHash: 'hash' as TokenHash,
    expiresAt: 2,
    role: 'PUBLISHER',
    createdAt: START - 5_000,
    serverData: 'from the server',
    joined: {
      activeAt: START + 1_000,
      clientData: 'from the client',
      ip: '10.0.0.9',
      platform: 'Node',
      joinKey: 'k',
      resumeKeyHash: 'h',
    },
  };
}

const stream = (more: Partial<StreamInfo> = {}): StreamInfo => ({
  streamId: cam,
  connectionId: ann,
  createdAt: START + 2_000,
  hasAudio: true,
  hasVideo: true,
  audioActive: true,
  videoActive: false,
  typeOfVideo: 'CAMERA',
  frameRate: 30,
  videoDimensions: { width: 640, height: 480 },
  ...more,
});

/** Ann sends her camera to Bob. */
function call(session: SessionRecord): SessionFact[] {
  return [
    { kind: 'created', at: START },
    { kind: 'joined', connection: connection(ann, session) },
    { kind: 'joined', connection: connection(bob, session) },
    { kind: 'published', stream: stream() },
    { kind: 'subscribed', connectionId: bob, stream: stream(), at: START + 3_000 },
  ];
}

async function calling(wanted?: WebhookEventName[]) {
  const { store } = newStore();
  const session = await createSession(store, 'room', A);
  const teller = new Teller(store, A, wanted);
  await teller.tell(session, ...call(session));
  return { store, session, teller };
}

const CALL = [
  'sessionCreated',
  'participantJoined con_ann',
  'participantJoined con_bob',
  `webrtcConnectionCreated con_ann OUTBOUND ${cam}`,
  `webrtcConnectionCreated con_bob INBOUND ${cam}`,
];

test("the bodies have OpenVidu's fields", async () => {
  const { session, teller } = await calling();
  teller.now = START + 9_999;
  await teller.tell(
    session,
    { kind: 'signalled', id: 's1', from: ann, to: [ann, bob], type: 'signal:chat', data: 'Hello' },
    { kind: 'signalled', id: 's2', to: [bob] },
    { kind: 'ended', reason: 'sessionClosedByServer' },
  );
  const { sessionId, uniqueSessionId } = session;
  const names = { sessionId, uniqueSessionId };
  const participant = (id: ConnectionId) => ({
    ...names,
    connectionId: id,
    participantId: id,
    location: 'unknown',
    ip: '10.0.0.9',
    platform: 'Node',
    clientData: 'from the client',
    serverData: 'from the server',
  });
  const media = {
    audioEnabled: true,
    videoEnabled: true,
    videoSource: 'CAMERA',
    videoFramerate: 30,
    videoDimensions: '{"width":640,"height":480}',
  };
  const outbound = { ...names, streamId: cam, connectionId: ann, participantId: ann, connection: 'OUTBOUND', ...media };
  const inbound = {
    ...names,
    ...{ streamId: cam, connectionId: bob, participantId: bob, connection: 'INBOUND', receivingFrom: ann },
    ...media,
  };
  const ending = (startTime: number, duration: number) => ({
    timestamp: START + 9_999,
    startTime,
    duration,
    reason: 'sessionClosedByServer',
  });
  assert.deepEqual(await teller.told(), [
    { event: 'sessionCreated', timestamp: START, ...names },
    { event: 'participantJoined', timestamp: START + 1_000, ...participant(ann) },
    { event: 'participantJoined', timestamp: START + 1_000, ...participant(bob) },
    { event: 'webrtcConnectionCreated', timestamp: START + 2_000, ...outbound },
    { event: 'webrtcConnectionCreated', timestamp: START + 3_000, ...inbound },
    {
      ...{ event: 'signalSent', timestamp: START + 9_999, ...names },
      ...{ from: ann, to: [ann, bob], type: 'chat', data: 'Hello' },
    },
    { event: 'signalSent', timestamp: START + 9_999, ...names, from: null, to: [bob], type: '', data: '' },
    { event: 'webrtcConnectionDestroyed', ...inbound, ...ending(START + 3_000, 6) },
    { event: 'webrtcConnectionDestroyed', ...outbound, ...ending(START + 2_000, 7) },
    { event: 'participantLeft', ...participant(ann), ...ending(START + 1_000, 8) },
    { event: 'participantLeft', ...participant(bob), ...ending(START + 1_000, 8) },
    { event: 'sessionDestroyed', ...names, ...ending(START, 9) },
  ]);
});

test('a stream without video has no video fields', async () => {
  const { session, teller } = await calling();
  await teller.told();
  const { typeOfVideo: _, frameRate: __, videoDimensions: ___, ...voice } = stream();
  const mic = { ...voice, streamId: 'str_MIC_aaaa_con_ann' as StreamId, hasVideo: false };
  await teller.tell(session, { kind: 'published', stream: mic });
  const [body] = await teller.told();
  assert.ok(body);
  assert.equal(body['videoEnabled'], false);
  assert.deepEqual(
    Object.keys(body).filter((key) => key.startsWith('video')),
    ['videoEnabled'],
  );
});

test('leaving ends all streams sent and received; unsubscribing ends only that', async () => {
  const { session, teller } = await calling();
  assert.deepEqual(await teller.events(), CALL);
  await teller.tell(session, { kind: 'unsubscribed', connectionId: bob, streamId: cam });
  assert.deepEqual(await teller.events(), [`webrtcConnectionDestroyed con_bob INBOUND ${cam} unsubscribe`]);
  teller.now += 1;
  await teller.tell(session, { kind: 'subscribed', connectionId: bob, stream: stream(), at: START + 4_000 });
  assert.deepEqual(await teller.events(), [`webrtcConnectionCreated con_bob INBOUND ${cam}`]);
  await teller.tell(session, { kind: 'left', connectionId: ann, reason: 'networkDisconnect' });
  assert.deepEqual(await teller.events(), [
    `webrtcConnectionDestroyed con_bob INBOUND ${cam} networkDisconnect`,
    `webrtcConnectionDestroyed con_ann OUTBOUND ${cam} networkDisconnect`,
    'participantLeft con_ann networkDisconnect',
  ]);
  await teller.tell(session, { kind: 'left', connectionId: bob, reason: 'disconnect' });
  await teller.tell(session, { kind: 'ended', reason: 'lastParticipantLeft' });
  assert.deepEqual(await teller.events(), [
    'participantLeft con_bob disconnect',
    'sessionDestroyed lastParticipantLeft',
  ]);
});

test('the end of a stream also ends its subscriptions', async () => {
  const { session, teller } = await calling();
  await teller.told();
  await teller.tell(session, { kind: 'unpublished', streamId: cam, reason: 'forceUnpublishByServer' });
  assert.deepEqual(await teller.events(), [
    `webrtcConnectionDestroyed con_bob INBOUND ${cam} forceUnpublishByServer`,
    `webrtcConnectionDestroyed con_ann OUTBOUND ${cam} forceUnpublishByServer`,
  ]);
});

test('nothing follows the end of a session, and it ends once', async () => {
  const { session, teller } = await calling();
  await teller.tell(session, { kind: 'ended', reason: 'neverJoined' });
  assert.equal((await teller.told()).at(-1)?.['reason'], 'sessionClosedByServer');
  await teller.tell(
    session,
    ...call(session),
    { kind: 'left', connectionId: ann, reason: 'disconnect' },
    { kind: 'signalled', id: 'late', from: ann, to: [bob] },
    { kind: 'ended', reason: 'nodeCrashed' },
  );
  assert.deepEqual(await teller.told(), []);
});

test('a crash reported by two masters causes one set of events, derived from earlier ones', async () => {
  const { store, session, teller } = await calling();
  await teller.told();
  const heirs = [B, 'master-3@c' as InstanceId].map((owner) => new Teller(store, owner));
  await Promise.all(heirs.map((heir) => heir.tell(session, { kind: 'ended', reason: 'nodeCrashed' })));
  const told = (await Promise.all(heirs.map((heir) => heir.events()))).filter((events) => events.length > 0);
  assert.deepEqual(told, [
    [
      `webrtcConnectionDestroyed con_bob INBOUND ${cam} nodeCrashed`,
      `webrtcConnectionDestroyed con_ann OUTBOUND ${cam} nodeCrashed`,
      'participantLeft con_ann nodeCrashed',
      'participantLeft con_bob nodeCrashed',
      'sessionDestroyed nodeCrashed',
    ],
  ]);
  // Its owner was not dead but asleep.
  await teller.tell(session, { kind: 'left', connectionId: ann, reason: 'disconnect' });
  await teller.tell(session, { kind: 'ended', reason: 'lastParticipantLeft' });
  assert.deepEqual(await teller.told(), []);
});

function member(id: ConnectionId, session: SessionRecord): Member {
  return new Member(connection(id, session));
}

test('a new owner reports all unreported facts, and no others', async () => {
  const { store, session, teller } = await calling();
  // Sent while the former owner was dying.
  await teller.tell(session, { kind: 'signalled', id: 's1', from: ann, to: [bob] });
  await teller.told();
  const claimed = await store.claimSession(session.uniqueSessionId, session.epoch, B);
  const heir = new Teller(store, B);
  const carol = 'con_carol' as ConnectionId;
  const [first, third] = [member(ann, session), member(carol, session)];
  first.publications.set(cam, new Publication(stream(), new Map()));
  const screen = 'str_SCR_bbbb_con_carol' as StreamId;
  third.publications.set(screen, new Publication(stream({ streamId: screen, connectionId: carol }), new Map()));
  third.subscriptions.set(cam, { consumers: [], createdAt: START + 6_000 });
  await heir.tell(claimed, { kind: 'takenOver', createdAt: START, members: [first, third] });
  assert.deepEqual(await heir.events(), [
    'participantJoined con_carol',
    `webrtcConnectionCreated con_carol OUTBOUND ${screen}`,
    `webrtcConnectionCreated con_carol INBOUND ${cam}`,
    `webrtcConnectionDestroyed con_bob INBOUND ${cam} disconnect`,
    'participantLeft con_bob disconnect',
  ]);
  heir.now += 500;
  await heir.tell(claimed, { kind: 'signalled', id: 's1', from: ann, to: [bob] });
  assert.deepEqual(await heir.told(), [], 'repeated by its sender');
  await teller.tell(session, { kind: 'left', connectionId: ann, reason: 'networkDisconnect' });
  assert.deepEqual(await teller.told(), [], 'by a former owner that has woken up');
  await heir.tell(claimed, { kind: 'left', connectionId: ann, reason: 'disconnect' });
  assert.equal((await heir.events()).at(-1), 'participantLeft con_ann disconnect');
});

test('an unwanted event is not delivered, but its consequences are', async () => {
  const { session, teller } = await calling(['participantLeft']);
  assert.deepEqual(await teller.told(), []);
  teller.now = START + 61_000;
  await teller.tell(session, { kind: 'ended', reason: 'nodeCrashed' });
  const told = await teller.told();
  assert.deepEqual(told.map(shortly), ['participantLeft con_ann nodeCrashed', 'participantLeft con_bob nodeCrashed']);
  assert.equal(told[0]?.['duration'], 60);
});
