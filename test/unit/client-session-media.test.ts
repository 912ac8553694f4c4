import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import type { Plane } from '../../src/client/media/media-plane.ts';
import type { Publisher } from '../../src/client/media/publisher.ts';
import type { Subscriber } from '../../src/client/media/subscriber.ts';
import { Connection } from '../../src/client/session/connection.ts';
import type { Session } from '../../src/client/session/session.ts';
import { SessionMedia } from '../../src/client/session/session-media.ts';
import { Stream } from '../../src/client/session/stream.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { MediaPlace } from '../../src/protocol/frames.ts';
import type { StreamId } from '../../src/protocol/ids.ts';
import type { ConnectionInfo } from '../../src/protocol/model.ts';
import { until } from '../fixtures/until.ts';

/** A plane with answers from the test. */
class FakePlane {
  readonly place: MediaPlace;
  readonly asked: { readonly what: string; readonly answer: (error?: Error) => void }[] = [];
  readonly open = new Set<string>();
  state = 'current';

  constructor(place: MediaPlace) {
    this.place = place;
  }

  async publish(_tracks: unknown, { key }: { key: string }): Promise<object> {
    await this.#ask(`publish ${key}`);
    return { stream: { streamId: `str_${key}_con_1` }, producers: new Map([['video', this.#opened('producer')]]) };
  }

  async subscribe(streamId: string, wanted: () => boolean): Promise<object | undefined> {
    if (!wanted()) return undefined;
    await this.#ask(`subscribe ${streamId}`);
    return { consumers: [this.#opened('consumer')] };
  }

  async unsubscribe(): Promise<void> {}

  async look(): Promise<string> {
    await this.#ask('look');
    return 'flows';
  }

  supersede(): void {
    this.state = 'superseded';
  }

  close(): void {
    this.state = 'closed';
  }

  #ask(what: string): Promise<void> {
    return new Promise((resolve, reject) =>
      this.asked.push({ what, answer: (error) => (error ? reject(error) : resolve()) }),
    );
  }

  #opened(what: string): { readonly name: string; close(): void } {
    const name = `${what} at ${this.place.id}`;
    this.open.add(name);
    return { name, close: () => void this.open.delete(name) };
  }
}

class Room {
  readonly planes: FakePlane[] = [];
  readonly requests: string[] = [];
  readonly media: SessionMedia;
  readonly connection = new Connection(
    { connectionId: 'con_1', streams: [] } as object as ConnectionInfo,
    {} as Session,
  );

  constructor(failed: (error: unknown) => void = (error) => assert.fail(String(error))) {
    this.media = new SessionMedia({
      request: async (method, data) => {
        const { mediaId, state } = data as { mediaId?: string; state?: string };
        this.requests.push([method, mediaId, state].filter(Boolean).join(' '));
        return {} as never;
      },
      joined: async () => {},
      planeTo: (place) => {
        const plane = new FakePlane(place);
        this.planes.push(plane);
        return plane as unknown as Plane;
      },
      audience: {
        hearsSpeech: false,
        speaking: () => assert.fail('nobody speaks'),
        streamChanged: () => assert.fail('nothing changes'),
        exception: (name) => assert.fail(name),
      },
      failed: (_stream, error) => failed(error),
    });
    this.media.begin({ id: 'first' } as MediaPlace, []);
  }

  plane(at: number): FakePlane {
    const plane = this.planes[at];
    assert.ok(plane, `plane ${at}`);
    return plane;
  }

  /** Answers the next request of plane `at`. */
  async answer(at: number, error?: Error): Promise<string> {
    const asked = await until(`plane ${at} is asked`, () => this.plane(at).asked.shift());
    asked.answer(error);
    return asked.what;
  }

  publish(publisher: FakePublisher): Promise<void> {
    return this.media.publish(publisher as unknown as Publisher, this.connection);
  }
}

class FakePublisher {
  readonly stream = Stream.unpublished({ hasAudio: true, hasVideo: true, audioActive: true, videoActive: true });
  isPublished = false;
  sentBy: string[] = [];

  async outgoingTracks(key: string): Promise<object> {
    return { tracks: [], detail: { key } };
  }

  published({ outgoing }: { outgoing: { producers: Map<string, { name: string }> } }): void {
    this.isPublished = true;
    this.sentBy = [...outgoing.producers.values()].map(({ name }) => name);
  }

  unpublished(): void {
    this.isPublished = false;
  }

  release(): void {}
}

test('the media moves during a first publication: the stream is published at the new node', async () => {
  for (const failing of [undefined, new ProtocolError('TRANSPORT_UNKNOWN')]) {
    const room = new Room();
    const publisher = new FakePublisher();
    const publishing = room.publish(publisher);
    await until('it is asked', () => room.plane(0).asked.length > 0);
    room.media.move({ id: 'second' } as MediaPlace);
    assert.equal(room.plane(0).state, 'superseded');
    const first = await room.answer(0, failing);
    // The same key names the same stream.
    assert.equal(await room.answer(1), first);
    await publishing;
    assert.deepEqual(publisher.sentBy, ['producer at second']);
    assert.deepEqual([...room.plane(0).open], []);
    assert.deepEqual(room.requests, []);
    room.media.end('disconnect');
  }
});

test('at any number of moves, each publisher is sent once', async () => {
  const room = new Room();
  const publisher = new FakePublisher();
  const publishing = room.publish(publisher);
  await room.answer(0);
  await publishing;
  room.media.move({ id: 'second' } as MediaPlace);
  const both = Promise.all([room.publish(publisher), room.publish(publisher)]);
  await until('it is asked', () => room.plane(1).asked.length > 0);
  room.media.move({ id: 'third' } as MediaPlace);
  const third = room.publish(publisher);
  await room.answer(1);
  await room.answer(2);
  await Promise.all([both, third]);
  assert.deepEqual(publisher.sentBy, ['producer at third']);
  assert.deepEqual(
    room.planes.map(({ asked }) => asked.length),
    [0, 0, 0],
  );
  assert.deepEqual([...room.plane(1).open], []);
  room.media.end('disconnect');
});

test('a refusal to publish is final', async () => {
  const room = new Room();
  const refused = room.publish(new FakePublisher());
  await room.answer(0, new ProtocolError('NOT_PERMITTED'));
  await assert.rejects(refused, { code: 'NOT_PERMITTED' });
  room.media.end('disconnect');
});

describe('former media that continues until its successor plays', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  const statesOf = ({ planes }: Room): string[] => planes.map(({ state }) => state);

  test('is kept until the new media plays, and closed four seconds later', () => {
    const room = new Room();
    room.media.move({ id: 'second' } as MediaPlace);
    mock.timers.tick(60_000);
    room.media.move({ id: 'third' } as MediaPlace);
    mock.timers.tick(60_000);
    assert.deepEqual(statesOf(room), ['superseded', 'superseded', 'current']);
    assert.ok(room.media.asksAgain(1_000), 'requests that the media node could not serve are repeated meanwhile');
    room.media.renewed();
    assert.deepEqual(room.requests, ['reportMedia third shown']);
    mock.timers.tick(3_999);
    assert.deepEqual(statesOf(room), ['superseded', 'superseded', 'current']);
    mock.timers.tick(1);
    assert.deepEqual(statesOf(room), ['closed', 'closed', 'current']);
    assert.ok(!room.media.asksAgain(20));
    room.media.end('disconnect');
  });

  test('of a node that the session keeps is closed after mediaLeft, once the new media plays', () => {
    const room = new Room();
    room.media.move({ id: 'second' } as MediaPlace, true);
    room.media.renewed();
    mock.timers.tick(30_000);
    assert.deepEqual(statesOf(room), ['superseded', 'current'], 'others may still show it');
    room.media.left('another');
    assert.deepEqual(statesOf(room), ['superseded', 'current']);
    room.media.left('first');
    assert.deepEqual(statesOf(room), ['closed', 'current']);

    room.media.move({ id: 'third' } as MediaPlace, true);
    room.media.left('second');
    mock.timers.tick(30_000);
    assert.deepEqual(statesOf(room), ['closed', 'superseded', 'current'], 'the new media does not play here');
    room.media.renewed();
    mock.timers.tick(4_000);
    assert.deepEqual(statesOf(room), ['closed', 'closed', 'current']);
    room.media.end('disconnect');
  });

  test('is not kept forever, nor at an unlimited number of nodes', () => {
    const room = new Room();
    for (const id of ['second', 'third', 'fourth', 'fifth']) room.media.move({ id } as MediaPlace, true);
    assert.deepEqual(statesOf(room), ['superseded', 'superseded', 'closed', 'superseded', 'current']);
    room.media.renewed();
    mock.timers.tick(4_000);
    mock.timers.tick(60_000);
    assert.deepEqual(statesOf(room), ['closed', 'closed', 'closed', 'closed', 'current']);
    room.media.end('disconnect');
  });
});

test('asked whether its media flows, a client checks its present node', async () => {
  const room = new Room();
  await room.media.testify('another');
  assert.deepEqual(room.requests, ['reportMedia another unknown']);
  const answered = room.media.testify('first');
  assert.equal(await room.answer(0), 'look');
  await answered;
  assert.deepEqual(room.requests.slice(1), ['reportMedia first flows']);
  room.media.end('disconnect');
});

test('a stream that is unpublished, or left, during publishing does not remain', async () => {
  const room = new Room();
  const publisher = new FakePublisher();
  const publishing = room.publish(publisher);
  await until('it is asked', () => room.plane(0).asked.length > 0);
  room.media.unpublish(publisher as unknown as Publisher);
  // Published again at once, as in React's StrictMode, it is another stream.
  const again = room.publish(publisher);
  const first = await room.answer(0);
  await assert.rejects(publishing, { code: 'STREAM_UNKNOWN' });
  assert.deepEqual(room.requests, ['unpublish']);
  assert.notEqual(await room.answer(0), first);
  await again;
  assert.ok(publisher.isPublished);
  const late = room.publish(new FakePublisher());
  await until('it is asked', () => room.plane(0).asked.length > 0);
  room.media.end('disconnect');
  await room.answer(0);
  await assert.rejects(late, { code: 'SESSION_CLOSED' });
});

test('the media moves during a subscription: media from the old node is not shown', async () => {
  const room = new Room();
  const shown: string[] = [];
  const stream = { streamId: 'str_1', manager: undefined as unknown };
  const subscriber = {
    stream,
    play: async ({ consumers }: { consumers: { name: string }[] }) =>
      void shown.push(...consumers.map(({ name }) => name)),
    stop: () => {},
    removeAllVideos: () => {},
  };
  stream.manager = subscriber;
  const first = room.media.play(subscriber as unknown as Subscriber);
  await until('it is asked', () => room.plane(0).asked.length > 0);
  room.media.move({ id: 'second' } as MediaPlace);
  const second = room.media.play(subscriber as unknown as Subscriber);
  await room.answer(1);
  await second;
  await room.answer(0);
  await first;
  assert.deepEqual(shown, ['consumer at second']);
  assert.deepEqual([...room.plane(0).open], []);
  room.media.end('disconnect');
});

test('the server ends a stream, by event or by a snapshot without it, and nothing else is affected', async () => {
  const room = new Room();
  const [first, second, third] = [new FakePublisher(), new FakePublisher(), new FakePublisher()];
  for (const publisher of [first, second]) {
    const publishing = room.publish(publisher);
    await room.answer(0);
    await publishing;
  }
  assert.equal(room.media.ended('str_of_another' as never, 'forceUnpublishByUser'), false);
  assert.equal(room.media.ended(first.stream.streamId, 'forceUnpublishByUser'), true);
  assert.deepEqual([first.isPublished, second.isPublished], [false, true]);
  const coming = room.publish(third);
  await until('it is asked', () => room.plane(0).asked.length > 0);
  room.media.agreeOn([second.stream.streamId]);
  assert.deepEqual([second.isPublished, room.media.publishers.length], [true, 1]);
  room.media.agreeOn([]);
  assert.equal(second.isPublished, false);
  // A stream on its way could not be there yet.
  await room.answer(0);
  await coming;
  assert.equal(third.isPublished, true);
  room.media.move({ id: 'second' } as MediaPlace);
  room.media.agreeOn([]);
  assert.equal(third.isPublished, true);
  assert.deepEqual(room.requests, []);
  room.media.end('disconnect');
});

test('a stream that this client has given up is ended at its new owner, and one that is on its way is not', async () => {
  const room = new Room();
  const first = new FakePublisher();
  room.publish(first).catch(() => {});
  const asked = await until('it is asked', () => room.plane(0).asked[0]?.what);
  const key = asked.replace('publish ', '');
  room.media.agreeOn([`str_CAM_${key}_con_1`, 'str_CAM_none_con_1'] as StreamId[]);
  assert.deepEqual(room.requests, ['unpublish']);
  room.media.end('disconnect');
});

test('a promise for a stream settles when it arrives, fails, or ends', async () => {
  const errors: unknown[] = [];
  const room = new Room((error) => errors.push(error));
  const subscribe = (): { subscriber: Subscriber; arrival: Promise<string> } => {
    const stream = { streamId: 'str_1', manager: undefined as unknown };
    const subscriber = {
      stream,
      play: async () => {},
      stop: () => {},
      removeAllVideos: () => {},
    } as object as Subscriber;
    stream.manager = subscriber;
    void room.media.play(subscriber);
    const arrival = room.media.arrival(subscriber).then(
      () => 'here',
      (error: ProtocolError) => error.code,
    );
    return { subscriber, arrival };
  };
  const comes = subscribe();
  await room.answer(0);
  assert.equal(await comes.arrival, 'here');
  const refused = subscribe();
  await room.answer(0, new ProtocolError('MEDIA_REFUSED'));
  assert.equal(await refused.arrival, 'MEDIA_REFUSED');
  assert.equal(errors.length, 1);
  const gone = subscribe();
  await room.answer(0, new ProtocolError('STREAM_UNKNOWN'));
  assert.equal(await gone.arrival, 'STREAM_UNKNOWN');
  const unwanted = subscribe();
  room.media.unsubscribe(unwanted.subscriber);
  assert.equal(await unwanted.arrival, 'STREAM_UNKNOWN');
  const moved = subscribe();
  room.media.move({ id: 'second' } as MediaPlace);
  void room.media.play(moved.subscriber);
  await room.answer(1);
  assert.equal(await moved.arrival, 'here');
  const late = subscribe();
  room.media.end('disconnect');
  assert.equal(await late.arrival, 'SESSION_CLOSED');
  assert.equal(errors.length, 1);
});

test('a request refused because of a limit is sent once, and its promise rejects', async () => {
  for (const code of ['RATE_LIMITED', 'LIMIT_REACHED', 'OUTBOX_OVERFLOW'] as const) {
    const failures: unknown[] = [];
    const room = new Room((error) => failures.push(error));
    const publishing = room.publish(new FakePublisher());
    await room.answer(0, new ProtocolError(code));
    await assert.rejects(publishing, { code });
    assert.deepEqual(room.plane(0).asked, []);
  }
});
