import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { RequestFrame } from '../../src/protocol/frames.ts';
import type { StreamId } from '../../src/protocol/ids.ts';
import type { MediaKind, StreamInfo } from '../../src/protocol/model.ts';
import { MediaRoom } from '../../src/server/master/owner/media-room.ts';
import type { JoinedConnection } from '../../src/server/master/owner/member.ts';
import { Member } from '../../src/server/master/owner/member.ts';
import { Publication } from '../../src/server/master/owner/publication.ts';
import { handleRequest } from '../../src/server/master/owner/requests.ts';
import type { OwnedSession } from '../../src/server/master/owner/session.ts';
import { Streams } from '../../src/server/master/owner/streams.ts';
import { DEFAULT_TIMING } from '../../src/server/shared/timing.ts';
import { audioRtp, videoRtp } from '../fixtures/media-node/rtp.ts';
import { until } from '../fixtures/until.ts';

interface Call {
  readonly command: string;
  readonly params: { readonly key: string; readonly paused?: boolean; readonly order?: number };
  answer(error?: ProtocolError): void;
}

const STREAM = 'str_CAM_aaaa_con_ann' as StreamId;

/** Ann's and Bob's session, with a media node whose answers the test controls. */
class Owner {
  readonly calls: Call[] = [];
  readonly told: string[] = [];
  readonly ann = this.#member('con_ann');
  readonly bob = this.#member('con_bob');
  readonly session: OwnedSession;
  readonly room: MediaRoom;

  constructor() {
    const client = {
      call: (url: string, _node: unknown, { params }: { params: Call['params'] }) =>
        new Promise((resolve, reject) => {
          const answer = (error?: ProtocolError): void => (error ? reject(error) : resolve({ id: params.key }));
          this.calls.push({ command: url.slice(url.lastIndexOf('/') + 1), params, answer });
        }),
    };
    const node = { instance: 'media-1@a', url: 'http://media-1' };
    const parts = [node, { epoch: 1 }, client, DEFAULT_TIMING] as object as ConstructorParameters<typeof MediaRoom>;
    const room = new MediaRoom(...parts);
    this.room = room;
    const session = {
      room,
      members: new Map([this.ann, this.bob].map((member) => [member.id, member])),
      media: async () => ({ room }),
      broadcast: (event: string, data: { active?: boolean }) =>
        this.told.push([event, data.active].filter((part) => part !== undefined).join(' ')),
      note: () => {},
      log: { info: () => {} },
    } as object as OwnedSession;
    Object.assign(session, { streams: new Streams(session) });
    this.session = session;
    this.ann.transports.set('con_ann/up', 'send');
    this.bob.transports.set('con_bob/down', 'recv');
    this.bob.rtpCapabilities = { codecs: [] };
  }

  /** Adds Ann's published stream. */
  published(): void {
    const kinds: MediaKind[] = ['audio', 'video'];
    const stream = { streamId: STREAM, connectionId: this.ann.id, audioActive: true, videoActive: true } as StreamInfo;
    const producers = new Map(kinds.map((kind) => [kind, `${STREAM}/${kind}`]));
    this.ann.publications.set(STREAM, new Publication(stream, producers));
  }

  ask(member: Member, method: string, data: object): Promise<string> {
    return handleRequest(this.session, member, { t: 'req', id: 1, method, data } as object as RequestFrame).then(
      () => 'done',
      (error: ProtocolError) => error.code,
    );
  }

  /** Answers the oldest waiting call. */
  async answer(command: string, error?: ProtocolError): Promise<Call> {
    const call = await until(`a call of ${command}`, () => this.calls.shift());
    assert.equal(call.command, command);
    call.answer(error);
    return call;
  }

  #member(connectionId: string): Member {
    return new Member({ connectionId, role: 'PUBLISHER', joined: {} } as object as JoinedConnection);
  }
}

test('a microphone is toggled quickly and the media node is slow: commands never cross, and the newest wins', async () => {
  const owner = new Owner();
  owner.published();
  const asked = [false, true, false, true, false].map((active) =>
    owner.ask(owner.ann, 'setActive', { streamId: STREAM, kind: 'audio', active }),
  );
  await until('the first is on its way', () => owner.calls.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(owner.calls.length, 1, 'one at a time');
  const first = await owner.answer('setProducerPaused');
  const last = await owner.answer('setProducerPaused');
  assert.deepEqual(await Promise.all(asked), Array(5).fill('done'));
  assert.deepEqual([first.params.paused, last.params.paused, owner.calls.length], [true, true, 0]);
  assert.ok(Number(last.params.order) > Number(first.params.order));
  assert.equal(owner.ann.publications.get(STREAM)?.stream.audioActive, false);
  assert.equal(owner.ann.turns.size, 0, 'completed requests leave nothing behind');
});

test('a failed request does not block the next', async () => {
  const owner = new Owner();
  owner.published();
  const asked = [false, true].map((active) =>
    owner.ask(owner.ann, 'setActive', { streamId: STREAM, kind: 'audio', active }),
  );
  await owner.answer('setProducerPaused', new ProtocolError('UNAVAILABLE'));
  await owner.answer('setProducerPaused');
  assert.deepEqual(await Promise.all(asked), ['UNAVAILABLE', 'done']);
});

test('a stream ends during muting: no event follows', async () => {
  const owner = new Owner();
  owner.published();
  const muted = owner.ask(owner.ann, 'setActive', { streamId: STREAM, kind: 'audio', active: false });
  await until('it is on its way', () => owner.calls.length > 0);
  owner.session.streams.end(owner.ann, STREAM, 'forceUnpublishByServer');
  await owner.answer('setProducerPaused');
  for (let call = 0; call < 2; call += 1) await owner.answer('closeProducer');
  assert.equal(await muted, 'STREAM_UNKNOWN');
  assert.ok(!owner.told.includes('streamActive false'), owner.told.join());
});

test('unpublished while the media node works: the stream does not exist afterwards', async () => {
  const owner = new Owner();
  const published = owner.ask(owner.ann, 'publish', {
    key: 'aaaa',
    transport: 'up',
    typeOfVideo: 'CAMERA',
    producers: [
      { kind: 'audio', rtpParameters: audioRtp(), active: true },
      { kind: 'video', rtpParameters: videoRtp(), active: true },
    ],
  });
  await until('both are on their way', () => owner.calls.length === 2);
  const streamId = 'str_CAM_aaaa_con_ann';
  const unpublished = owner.ask(owner.ann, 'unpublish', { streamId });
  for (let call = 0; call < 2; call += 1) await owner.answer('produce');
  assert.deepEqual(await Promise.all([published, unpublished]), ['done', 'done']);
  assert.equal(owner.ann.publications.size, 0);
  assert.deepEqual(owner.told, ['streamCreated', 'streamDestroyed']);
  const closed = [await owner.answer('closeProducer'), await owner.answer('closeProducer')];
  assert.deepEqual(
    closed.map(({ params }) => params.key),
    ['audio', 'video'].map((kind) => `${streamId}/${kind}@con_ann/up`),
  );
});

test('a stream ends during a subscription: no trace of it is left', async () => {
  const owner = new Owner();
  owner.published();
  const subscribed = owner.ask(owner.bob, 'subscribe', { streamId: STREAM, transport: 'down' });
  await until('both are on their way', () => owner.calls.length === 2);
  owner.session.streams.end(owner.ann, STREAM, 'unpublish');
  const ended = ['closeProducer', 'closeProducer', 'closeConsumer', 'closeConsumer'];
  for (const command of ['consume', 'consume', ...ended]) await owner.answer(command);
  for (const command of ['closeConsumer', 'closeConsumer']) await owner.answer(command);
  assert.equal(await subscribed, 'STREAM_UNKNOWN');
  assert.equal(owner.bob.subscriptions.size, 0);
});

test('only a part of a stream can be received: the other part is closed', async () => {
  const owner = new Owner();
  owner.published();
  const subscribed = owner.ask(owner.bob, 'subscribe', { streamId: STREAM, transport: 'down' });
  await owner.answer('consume', new ProtocolError('MEDIA_REFUSED'));
  await owner.answer('consume');
  const closed = [await owner.answer('closeConsumer'), await owner.answer('closeConsumer')];
  assert.deepEqual(
    closed.map(({ params }) => params.key),
    ['audio', 'video'].map((kind) => `con_bob/down<${STREAM}/${kind}`),
  );
  assert.equal(await subscribed, 'MEDIA_REFUSED');
  assert.equal(owner.bob.subscriptions.size, 0);
});

test('an unanswered command is remembered, so that its object can be closed', async () => {
  const owner = new Owner();
  owner.published();
  const subscribed = owner.ask(owner.bob, 'subscribe', { streamId: STREAM, transport: 'down' });
  await owner.answer('consume', new ProtocolError('UNAVAILABLE'));
  await owner.answer('consume');
  assert.equal(await subscribed, 'UNAVAILABLE');
  const unsubscribed = owner.ask(owner.bob, 'unsubscribe', { streamId: STREAM });
  for (let call = 0; call < 2; call += 1) await owner.answer('closeConsumer');
  assert.equal(await unsubscribed, 'done');
  assert.equal(owner.bob.subscriptions.size, 0);
});

test('a consumer that the media node did not close is closed later, and never one that was made after it', async () => {
  const owner = new Owner();
  owner.published();
  const stream = { streamId: STREAM, transport: 'down' };
  const ask = (method: string): Promise<string> => owner.ask(owner.bob, method, stream);
  const subscribed = ask('subscribe');
  const made = [await owner.answer('consume'), await owner.answer('consume')];
  assert.equal(await subscribed, 'done');

  const unsubscribed = ask('unsubscribe');
  const unanswered = await owner.answer('closeConsumer', new ProtocolError('UNAVAILABLE'));
  await owner.answer('closeConsumer');
  assert.equal(await unsubscribed, 'done');
  const again = ask('subscribe');
  const [anew] = [await owner.answer('consume'), await owner.answer('consume')];
  assert.equal(await again, 'done');

  void owner.room.closings.sweep();
  const late = await owner.answer('closeConsumer');
  assert.deepEqual(late.params, unanswered.params, 'under its own number');
  const [first, close, second] = [made[0], late, anew].map((call) => Number(call?.params.order)) as [
    number,
    number,
    number,
  ];
  assert.ok(first < close && close < second, `${first} ${close} ${second}`);
  await until('nothing is left to be closed', () => owner.room.closings.size === 0);
});

test('a publish that the media node did not answer is kept, so that it can be taken back', async () => {
  const owner = new Owner();
  const published = owner.ask(owner.ann, 'publish', {
    key: 'aaaa',
    transport: 'up',
    producers: [{ kind: 'audio', rtpParameters: audioRtp(), active: true }],
  });
  const { params } = await owner.answer('produce', new ProtocolError('UNAVAILABLE'));
  assert.equal(await published, 'UNAVAILABLE');
  assert.equal(owner.room.closings.size, 1);
  await owner.room.closings.sweep();
  assert.equal(owner.calls.length, 0, 'its client may ask again');
  assert.equal(owner.room.closings.size, 1);
  assert.ok(Number(params.order) > 0);
});
