import { fetchWithKey } from '../../demo/model/page-key.ts';
import type * as Sdk from '../../src/client/index.ts';
import type { Session } from '../../src/client/session/session.ts';
import type { SessionEvents } from '../../src/client/session/session-events.ts';
import { FrameLog } from './frame-log.ts';
import { ownTracks, type Source } from './own-media.ts';
import { Talk, type TalkCount } from './talk.ts';

/** The global of the page's script tag. */
const sdk = (globalThis as unknown as { Rejoin: typeof Sdk }).Rejoin;

/** Events that the page records. */
const WATCHED = [
  'reconnecting',
  'reconnected',
  'sessionDestroyed',
  'rebuilding',
  'rebuilt',
  'sessionDisconnected',
] as const;

export interface PageEvent {
  readonly name: keyof SessionEvents;
  /** Unix time, ms. */
  readonly at: number;
}

export interface JoinOptions {
  readonly room: string;
  /** A prepared token; default: a function that gets one from the application's server. */
  readonly token?: string;
  /** Default: the token's. */
  readonly urls?: readonly string[];
}

/** One participant of a call, in a page that uses the SDK like any application. */
export class CallPage {
  readonly #source: Source;
  #session: Session | undefined;
  #talk: Talk | undefined;
  #events: PageEvent[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** Joins, publishes and subscribes to all streams. Returns the Unix time, ms, of the call of `connect()`. */
  async join({ room, token, urls }: JoinOptions): Promise<number> {
    const rejoin = new sdk.Rejoin();
    const tracks = await ownTracks(this.#source);
    const [audioSource, videoSource] = ['audio', 'video'].map((kind) =>
      tracks.find((track) => track.kind === kind)?.clone(),
    );
    const publisher = await rejoin.initPublisherAsync(undefined, { audioSource, videoSource });
    const session = rejoin.initSession(urls ? { urls } : {});
    this.#session = session;
    this.#talk = new Talk(session);
    this.#events = [];
    for (const name of WATCHED) session.on(name, () => this.#events.push({ name, at: unixNow() }));
    session.on('streamCreated', ({ stream }) => {
      const video = session.subscribe(stream, 'videos').videos[0]?.video;
      if (video) globalThis.frameLog = new FrameLog(video, this.#source === 'stamped');
    });
    const began = unixNow();
    await session.connect(token ?? (() => requestToken(room)));
    await session.publish(publisher);
    return began;
  }

  get events(): readonly PageEvent[] {
    return this.#events;
  }

  /** Number of remote pictures. */
  get others(): number {
    return document.querySelectorAll('#videos video').length;
  }

  /** Resolves when a signal to this client itself has arrived; Unix time, ms. */
  async signalBack(): Promise<number> {
    const session = this.#joined;
    for (;;) {
      try {
        if (!session.connection) throw new Error('There is no connection.');
        await session.signal({ type: 'echo', to: [session.connection] });
        return unixNow();
      } catch (error) {
        // Repeat requests that a crash has rejected, as an application would.
        if (session.state === 'ended') throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /** Sends a message to all participants every `everyMs`. */
  talk(everyMs: number): void {
    this.#talk?.start(everyMs);
  }

  /** Stops sending, and resolves when every message has been answered. */
  async hush(): Promise<void> {
    await this.#talk?.stop();
  }

  get talked(): TalkCount {
    return this.#talk?.count ?? { sent: 0, failed: 0, received: [] };
  }

  leave(): void {
    globalThis.frameLog?.stop();
    globalThis.frameLog = undefined;
    this.#session?.disconnect();
    this.#session = undefined;
    document.querySelector('#videos')?.replaceChildren();
  }

  get #joined(): Session {
    if (!this.#session) throw new Error('Not in a call.');
    return this.#session;
  }
}

async function requestToken(room: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetchWithKey('/demo/api/token', { method: 'POST', headers, body: JSON.stringify({ room }) });
  if (!answer.ok) throw Object.assign(new Error(`The server answered ${answer.status}.`), { status: answer.status });
  return ((await answer.json()) as { token: string }).token;
}

function unixNow(): number {
  return performance.timeOrigin + performance.now();
}

declare global {
  var call: CallPage;
}
globalThis.call = new CallPage(new URLSearchParams(location.search).get('source') === 'stamped' ? 'stamped' : 'camera');
