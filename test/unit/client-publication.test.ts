import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalTracks } from '../../src/client/media/local-tracks.ts';
import { Publication, type PublicationOptions } from '../../src/client/media/publication.ts';
import { Stream } from '../../src/client/session/stream.ts';

interface FakeTrack {
  enabled: boolean;
}

class FakeProducer {
  readonly rtpParameters = { encodings: [{}] };
  track: FakeTrack;
  paused = false;
  closed = false;
  refuses = false;

  constructor(track: FakeTrack) {
    this.track = track;
  }

  async replaceTrack({ track }: { track: FakeTrack }): Promise<void> {
    if (this.closed || this.refuses) throw new Error('InvalidStateError');
    this.track = track;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** A published video whose publisher's tracks the test replaces. */
function published(more: { isTold?: boolean } = {}) {
  const camera: FakeTrack = { enabled: true };
  const publisher = { track: camera, active: true, hasEnded: false };
  const producer = new FakeProducer(camera);
  const told: string[] = [];
  const stream = Stream.unpublished({ hasAudio: false, hasVideo: true, audioActive: false, videoActive: true });
  const answer = async (what: string): Promise<void> => {
    if (more.isTold === false) throw new Error('SESSION_DESTROYED');
    told.push(what);
  };
  const publication = new Publication({
    stream,
    tracks: {
      get: () => publisher.track,
      isActive: () => publisher.active,
      hasEnded: () => publisher.hasEnded,
    } as unknown as LocalTracks,
    outgoing: { producers: new Map([['video', producer]]) },
    at: {
      audience: {
        streamChanged: (_stream: Stream, { newValue }: { newValue: unknown }) => told.push(`here ${newValue}`),
      },
      setActive: (_stream: Stream, kind: string, active: boolean) => answer(`${kind} ${active}`),
    },
    peerConnection: () => undefined,
  } as unknown as PublicationOptions);
  return { publication, producer, publisher, stream, told };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a track replaced and muted during publishing is sent, and reported', async () => {
  const { publication, producer, publisher, stream, told } = published();
  publication.catchUp();
  await settled();
  assert.deepEqual(told, []);
  publisher.track = { enabled: true };
  publisher.active = false;
  publication.catchUp();
  await settled();
  assert.equal(producer.track, publisher.track);
  assert.equal(producer.paused, true);
  assert.equal(stream.videoActive, false);
  assert.deepEqual(told, ['here false', 'video false']);
});

test('a released camera does not replace its placeholder track', async () => {
  const { publication, producer, publisher } = published();
  const standIn = producer.track;
  publisher.track = { enabled: false };
  publisher.hasEnded = true;
  publication.catchUp();
  await settled();
  assert.equal(producer.track, standIn);
});

test('a track that the browser refuses leaves itself and the sent track unchanged', async () => {
  const { publication, producer, publisher } = published();
  publisher.active = false;
  const [before, track] = [producer.track, { enabled: true }];
  await publication.replaceTrack('video', track as unknown as MediaStreamTrack);
  // It was never enabled for a moment.
  assert.equal(track.enabled, false);
  assert.notEqual(producer.track, before);
  producer.refuses = true;
  const other = { enabled: true };
  await assert.rejects(publication.replaceTrack('video', other as unknown as MediaStreamTrack), {
    name: 'GENERIC_ERROR',
  });
  assert.equal(other.enabled, true);
  assert.equal(producer.track, track);
});

test('an end during a replacement is not a refusal', async () => {
  const { publication, producer } = published();
  producer.closed = true;
  await publication.replaceTrack('video', { enabled: true } as unknown as MediaStreamTrack);
});

test('muting works and is reported locally, even if the server does not answer', async () => {
  const { publication, producer, publisher, told } = published({ isTold: false });
  publisher.active = false;
  await publication.applyActive('video');
  assert.equal(producer.paused, true);
  publisher.active = true;
  await publication.applyActive('video');
  assert.equal(producer.paused, false);
  assert.deepEqual(told, ['here false', 'here true']);
});
