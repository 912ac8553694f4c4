import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Publisher } from '../../src/client/media/publisher.ts';
import { Subscriber } from '../../src/client/media/subscriber.ts';
import { Connection } from '../../src/client/session/connection.ts';
import type { Session } from '../../src/client/session/session.ts';
import { SessionMedia } from '../../src/client/session/session-media.ts';
import { Stream } from '../../src/client/session/stream.ts';
import type { MediaPlace } from '../../src/protocol/frames.ts';
import type { ConnectionInfo, StreamInfo } from '../../src/protocol/model.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';
import { FakePage, type FakeTrack, turns } from '../fixtures/wishes/fake-page.ts';
import { FakePlane, FakeServer } from '../fixtures/wishes/fake-room.ts';

const PUBLISHERS = 2;
const STREAMS = 2;

/** The expected state of a publisher, after the last call of each kind. */
interface Wished {
  isPublished: boolean;
  /** It was never published: its camera is open for a preview. */
  isNew: boolean;
  readonly active: { audio: boolean; video: boolean };
  /** The track that the application has put in place of the camera; `undefined` for the camera itself. */
  track: FakeTrack | undefined;
}

/** A session's media in a page, with the model beside it. */
class Wishes {
  readonly #random: () => number;
  readonly #wait = (): Promise<void> => turns(Math.floor(this.#random() * 6));
  readonly #page = new FakePage(this.#wait);
  readonly #connection = new Connection(
    { connectionId: 'con_1', streams: [] } as object as ConnectionInfo,
    {} as Session,
  );
  readonly #publishers: readonly Publisher[];
  readonly #wished = Array.from(
    { length: PUBLISHERS },
    (): Wished => ({ isPublished: false, isNew: true, active: { audio: true, video: true }, track: undefined }),
  );
  readonly #streams = Array.from({ length: STREAMS }, (_, at) => new Stream({ streamId: `str_${at}` } as StreamInfo));
  readonly #isSubscribed = this.#streams.map(() => false);
  readonly #planes: FakePlane[] = [];
  #server: FakeServer;
  #media: SessionMedia;
  #places = 0;
  #open = 0;
  readonly story: string[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#server = new FakeServer(this.#wait);
    this.#media = this.#makeMedia();
    this.#publishers = Array.from({ length: PUBLISHERS }, () => new Publisher());
    for (const publisher of this.#publishers) publisher.ready.catch(() => {});
  }

  close(): void {
    this.#media.end('disconnect');
    for (const publisher of this.#publishers) publisher.dispose();
    this.#page.close();
  }

  async step(): Promise<void> {
    const at = Math.floor(this.#random() * PUBLISHERS);
    const [publisher, wished] = [this.#publishers[at], this.#wished[at]];
    assert.ok(publisher && wished);
    const [name, act] = pick(this.#random, Object.entries(this.#acts));
    this.story.push(`${name} ${at}`);
    act(publisher, wished, Math.floor(this.#random() * STREAMS));
    if (this.#random() < 0.5) await turns(Math.floor(this.#random() * 12));
  }

  /** Waits until nothing is pending any more, and compares. */
  async compare(): Promise<void> {
    for (let quiet = 0; quiet < 40; quiet = this.#open > 0 ? 0 : quiet + 1) await turns(1);
    const { streams, subscriptions } = this.#server;
    for (const [at, publisher] of this.#publishers.entries()) {
      const wished = this.#wished[at];
      const own = [...streams].filter(([id]) => id === publisher.stream.streamId);
      assert.equal(own.length > 0, wished?.isPublished, `publisher ${at} at the server`);
      assert.equal(this.#media.publishers.includes(publisher), wished?.isPublished, `publisher ${at} in the session`);
      assert.equal(this.#connection.streams.includes(publisher.stream), wished?.isPublished);
      const tracks = publisher.mediaStream.getTracks() as unknown as FakeTrack[];
      if (!wished?.isPublished && !wished?.isNew)
        assert.equal(tracks.length, 0, `publisher ${at} has closed its sources`);
      for (const [, { producers, active }] of own) {
        for (const kind of ['audio', 'video'] as const) {
          const producer = producers.get(kind);
          const track = tracks.find((one) => one.kind === kind);
          assert.ok(producer && track && !producer.closed, `publisher ${at} sends ${kind}`);
          assert.equal(producer.track, track, `publisher ${at} sends what it shows`);
          assert.equal(track.readyState, 'live');
          const isActive = wished?.active[kind];
          const known = publisher.stream[kind === 'audio' ? 'audioActive' : 'videoActive'];
          assert.deepEqual(
            [!producer.paused, active[kind], known, track.enabled],
            Array(4).fill(isActive),
            `${kind} of ${at}`,
          );
          if (kind === 'video' && wished?.track)
            assert.equal(track, wished.track, `publisher ${at} sends the application's track`);
        }
      }
    }
    const live = this.#publishers.flatMap(({ mediaStream }) => mediaStream.getTracks() as unknown as FakeTrack[]);
    assert.deepEqual(new Set(this.#page.live), new Set(live), 'no unused device is open');
    assert.equal(streams.size, this.#media.publishers.length, 'streams at the server');
    const [now] = this.#planes.slice(-1);
    const producers = this.#planes.flatMap((plane) => plane.producers).filter(({ closed }) => !closed);
    assert.ok(producers.length >= 2 * streams.size);
    assert.equal(now?.producers.filter(({ closed }) => !closed).length, 2 * streams.size, 'producers');
    for (const [at, { manager }] of this.#streams.entries()) {
      const id = `str_${at}`;
      const received: number | undefined = now?.consumers.filter(
        ({ streamId, closed }) => streamId === id && !closed,
      ).length;
      const wanted = this.#isSubscribed[at];
      assert.deepEqual(
        [manager !== undefined, received, subscriptions.has(id as never)],
        [wanted, wanted ? 1 : 0, wanted],
        id,
      );
    }
  }

  readonly #acts: Readonly<Record<string, (publisher: Publisher, wished: Wished, stream: number) => void>> = {
    publish: (publisher, wished) => this.#publish(publisher, wished),
    'publish at once again': (publisher, wished) => {
      this.#unpublish(publisher, wished);
      this.#publish(publisher, wished);
    },
    unpublish: (publisher, wished) => this.#unpublish(publisher, wished),
    dispose: (publisher, wished) => {
      publisher.dispose();
      Object.assign(wished, { isPublished: false, isNew: false, track: undefined });
    },
    replaceTrack: (publisher, wished) => {
      // A publisher without an open camera has no track to replace.
      if (!wished.isPublished || publisher.mediaStream.getVideoTracks().length === 0) return;
      const track = this.#page.track('video');
      wished.track = track;
      this.#follow(publisher.replaceTrack(track as unknown as MediaStreamTrack), () => {
        // It has been unpublished meanwhile.
        track.stop();
      });
    },
    mute: (publisher, wished) => this.#setActive(publisher, wished, 'audio'),
    hide: (publisher, wished) => this.#setActive(publisher, wished, 'video'),
    subscribe: (_publisher, _wished, at) => {
      const stream = this.#streams[at];
      if (!stream) return;
      if (stream.manager instanceof Subscriber) this.#media.unsubscribe(stream.manager);
      this.#follow(this.#media.play(new Subscriber(stream)));
      this.#isSubscribed[at] = true;
    },
    unsubscribe: (_publisher, _wished, at) => {
      const manager = this.#streams[at]?.manager;
      if (manager instanceof Subscriber) this.#media.unsubscribe(manager);
      this.#isSubscribed[at] = false;
    },
    move: () => this.#bring(() => this.#media.move(this.#place())),
    'new transports': () => this.#bring(() => this.#media.renewTransports()),
    'the server ends it': (publisher, wished) => {
      const { streamId } = publisher.stream;
      if (!this.#server.streams.delete(streamId)) return;
      // The event arrives at the same moment; another test covers calls that cross it.
      if (this.#media.ended(streamId, 'forceUnpublishByServer')) this.#forget(wished);
    },
    'published again when the server ends it': (publisher, wished) => {
      const { streamId } = publisher.stream;
      if (!this.#media.publishers.includes(publisher) || !this.#server.streams.delete(streamId)) return;
      publisher.once('streamDestroyed', () => this.#publish(publisher, wished));
      this.#media.ended(streamId, 'forceUnpublishByServer');
    },
    disconnect: () => {
      if (this.#random() < 0.7) return;
      this.#media.end('disconnect');
      for (const { manager } of this.#streams) if (manager instanceof Subscriber) manager.stop();
      for (const wished of this.#wished) this.#forget(wished);
      this.#isSubscribed.fill(false);
      this.#server = new FakeServer(this.#wait);
      this.#media = this.#makeMedia();
    },
  };

  #publish(publisher: Publisher, wished: Wished): void {
    publisher.claim(this.#media, this.#connection);
    wished.isPublished = true;
    this.#follow(this.#media.publish(publisher, this.#connection), (error) => this.story.push(`(${error})`));
  }

  #unpublish(publisher: Publisher, wished: Wished): void {
    this.#media.unpublish(publisher);
    this.#forget(wished);
  }

  #forget(wished: Wished): void {
    if (wished.isPublished) Object.assign(wished, { isPublished: false, isNew: false, track: undefined });
  }

  #setActive(publisher: Publisher, { active }: Wished, kind: 'audio' | 'video'): void {
    active[kind] = this.#random() < 0.5;
    this.#follow(kind === 'audio' ? publisher.publishAudio(active.audio) : publisher.publishVideo(active.video));
  }

  /** As in the session: moves everything to the present media node. */
  #bring(move: () => void): void {
    move();
    for (const publisher of this.#media.publishers) this.#follow(this.#media.publish(publisher, this.#connection));
    for (const { manager } of this.#streams) if (manager instanceof Subscriber) this.#follow(this.#media.play(manager));
  }

  /** Every promise settles. */
  #follow(work: Promise<unknown>, failed: (error: unknown) => void = () => {}): void {
    this.#open += 1;
    work.catch(failed).finally(() => {
      this.#open -= 1;
    });
  }

  #makeMedia(): SessionMedia {
    const server = this.#server;
    const media = new SessionMedia({
      request: server.request,
      joined: this.#wait,
      planeTo: (place) => {
        // The media node has lost its state; the server has not.
        server.subscriptions.clear();
        const plane = new FakePlane(place, server, this.#wait);
        this.#planes.push(plane);
        return plane.plane;
      },
      audience: { hearsSpeech: false, speaking: () => {}, streamChanged: () => {}, exception: () => {} },
      failed: (_stream, error) => assert.fail(String(error)),
    });
    media.begin(this.#place(), []);
    return media;
  }

  #place(): MediaPlace {
    this.#places += 1;
    return { id: `place ${this.#places}` } as MediaPlace;
  }
}

test('after any calls in any order and at any moments, the last call wins and nothing is left behind', async (t) => {
  for (const seed of seeds(8)) {
    t.diagnostic(`SEED=${seed}`);
    const wishes = new Wishes(seed);
    try {
      for (let round = 0; round < 25; round += 1) {
        wishes.story.length = 0;
        for (let step = 0; step < 25; step += 1) await wishes.step();
        await wishes.compare();
      }
    } catch (error) {
      throw new Error(`With SEED=${seed}, after: ${wishes.story.join(', ')}`, { cause: error });
    } finally {
      wishes.close();
    }
  }
});
