import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { RequestFrame } from '../../src/protocol/frames.ts';
import type { StreamId } from '../../src/protocol/ids.ts';
import type { MediaKind, StreamInfo } from '../../src/protocol/model.ts';
import type { JoinedConnection } from '../../src/server/master/owner/member.ts';
import { Member } from '../../src/server/master/owner/member.ts';
import { Publication } from '../../src/server/master/owner/publication.ts';
import { handleRequest } from '../../src/server/master/owner/requests.ts';
import type { OwnedSession } from '../../src/server/master/owner/session.ts';
import { Streams } from '../../src/server/master/owner/streams.ts';
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
  #orders = 0;

  constructor() {
    const room = {
      command: (command: string, params: Call['params']) =>
        new Promise((resolve, reject) => {
          const answer = (error?: ProtocolError): void => (error ? reject(error) : resolve({ id: params.key }));
          this.calls.push({ command, params, answer });
        }),
      attempt: (command: string, { key }: { key: string }) => this.told.push(`${command} ${key}`),
      nextOrder: () => {
        this.#orders += 1;
        return this.#orders;
      },
    };
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
  assert.deepEqual(owner.told, [
    'streamCreated',
    ...['audio', 'video'].map((kind) => `closeProducer ${streamId}/${kind}@con_ann/up`),
    'streamDestroyed',
  ]);
});

test('a stream ends during a subscription: no trace of it is left', async () => {
  const owner = new Owner();
  owner.published();
  const subscribed = owner.ask(owner.bob, 'subscribe', { streamId: STREAM, transport: 'down' });
  await until('both are on their way', () => owner.calls.length === 2);
  owner.session.streams.end(owner.ann, STREAM, 'unpublish');
  for (const command of ['consume', 'consume', 'closeConsumer', 'closeConsumer']) await owner.answer(command);
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
