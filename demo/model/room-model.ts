import type { Connection, Session } from '../../src/client/index.ts';
import { Chat } from './chat.ts';
import { requestToken } from './demo-server.ts';
import type { EventLog } from './event-log.ts';
import { FrameGaps } from './frame-gaps.ts';
import { Observable } from './observable.ts';
import { type Kind, OwnMedia } from './own-media.ts';
import { type Problem, problemOf } from './problem.ts';
import { sdk } from './sdk.ts';
import { logPublisher, logSession } from './session-log.ts';
import { ownTile, type TileModel, tilesOf } from './tile.ts';

export type RoomState = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';

export interface JoinRequest {
  readonly room: string;
  readonly name: string;
  /** Join with the microphone on. */
  readonly audio: boolean;
  /** Join with the camera on. */
  readonly video: boolean;
  /** Join with a token function, so that the session recovers from a crash without the user. */
  readonly automatic: boolean;
}

/** An attempt to recover. */
export interface Trouble {
  readonly attempt: number;
  readonly cause: string;
}

/** Interval between comparisons of the participants with the shown tiles. */
const COMPARE_MS = 500;

/** This page's view of the room: the SDK's session, and the state that follows from its events. */
export class RoomModel extends Observable {
  readonly log: EventLog;
  readonly media: OwnMedia;
  readonly chat = new Chat();
  readonly gaps: FrameGaps;
  state: RoomState = 'idle';
  /** True from the join until leaving, including failures. */
  inRoom = false;
  request: JoinRequest | undefined;
  session: Session | undefined;
  trouble: Trouble | undefined;
  /** Duration of the last recovery, ms, in this life of the page's session. */
  recoveredMs: number | undefined;
  /** Why the session ended. */
  endReason: string | undefined;
  /** Why joining failed. */
  problem: Problem | undefined;
  readonly #remotes = new Set<Connection>();
  #shown = '';

  constructor(log: EventLog) {
    super();
    this.log = log;
    this.media = new OwnMedia((publisher) => logPublisher(publisher, log));
    this.media.subscribe(() => this.changed());
    this.gaps = new FrameGaps(({ longestMs, name, pictures }) => {
      const note = `${name}'s picture${pictures.length > 1 ? `, the longest of ${pictures.length}` : ''}`;
      log.add('videoGap', 'info', 'Video gap', { note, durationMs: longestMs, detail: { pictures } });
    });
    setInterval(() => this.#compare(), COMPARE_MS);
  }

  get tiles(): TileModel[] {
    const { active, publisher } = this.media;
    const own = ownTile({
      name: this.request?.name ?? '',
      connection: this.session?.connection,
      publisher,
      audioOn: active.audio,
      videoOn: active.video,
    });
    return [own, ...[...this.#remotes].flatMap(tilesOf)];
  }

  /** Joins and publishes as requested. Failures are in `problem` and `media.problem`. */
  async join(request: JoinRequest): Promise<void> {
    if (this.state !== 'idle' && this.state !== 'ended') return;
    this.request = request;
    this.problem = undefined;
    this.#become('joining');
    const since = performance.now();
    try {
      if (!this.media.publisher) await this.media.open(request);
    } catch {
      return this.#become(this.inRoom ? 'ended' : 'idle');
    }
    try {
      const session = new (sdk().Rejoin)().initSession();
      this.#follow(session);
      const getToken = (): Promise<string> => requestToken(request.room);
      await session.connect(request.automatic ? getToken : await getToken(), { name: request.name });
    } catch (error) {
      this.problem = problemOf(error);
      if (!this.inRoom) this.media.close();
      return this.#become(this.inRoom ? 'ended' : 'idle');
    }
    this.inRoom = true;
    this.endReason = undefined;
    const durationMs = Math.round(performance.now() - since);
    this.log.add('connected', 'good', `Connected to ${request.room}`, { durationMs });
    this.#become('joined');
    await this.#publish();
  }

  /** Repeats the last request to join. */
  async joinAgain(): Promise<void> {
    if (this.request) await this.join(this.request);
  }

  leave(): void {
    this.session?.disconnect();
    this.session = undefined;
    this.inRoom = false;
    this.endReason = undefined;
    this.problem = undefined;
    this.#remotes.clear();
    this.media.close();
    this.chat.clear();
    this.#become('idle');
  }

  /** Mutes or unmutes the microphone; turns the camera off or on. */
  async toggle(kind: Kind): Promise<void> {
    try {
      if (await this.media.toggle(kind)) await this.#publish();
    } catch (error) {
      this.#except(error);
    }
  }

  /** A node has ended. Watches whether this affects the pictures here. */
  nodeLost(): void {
    if (this.state === 'joined') this.gaps.look(false);
  }

  async #publish(): Promise<void> {
    const { session } = this;
    const { publisher } = this.media;
    if (!publisher || !session) return;
    try {
      await session.publish(publisher);
    } catch (error) {
      if (session === this.session && this.state !== 'ended') this.#except(error);
    }
    this.changed();
  }

  #follow(session: Session): void {
    this.session = session;
    this.trouble = undefined;
    this.recoveredMs = undefined;
    this.#remotes.clear();
    logSession(session, this.log);
    this.chat.attach(session);
    session.on('connectionCreated', ({ connection }) => {
      if (connection !== session.connection) this.#remotes.add(connection);
      this.changed();
    });
    session.on('connectionDestroyed', ({ connection }) => {
      this.#remotes.delete(connection);
      this.changed();
    });
    session.on('connectionPresence', () => this.changed());
    session.on('streamCreated', ({ stream }) => {
      session.subscribe(stream);
      this.changed();
    });
    session.on('streamDestroyed', () => this.changed());
    session.on('streamPropertyChanged', () => this.changed());
    session.on('reconnecting', (trouble) => this.#suffer('reconnecting', trouble));
    session.on('sessionDestroyed', ({ reason }) => this.#suffer('rebuilding', { attempt: 1, cause: reason }));
    session.on('rebuilding', (trouble) => this.#suffer('rebuilding', trouble));
    session.on('reconnected', ({ durationMs }) => this.#recover(durationMs));
    session.on('rebuilt', ({ durationMs }) => this.#recover(durationMs));
    session.on('sessionDisconnected', ({ reason }) => {
      this.gaps.stop();
      this.#remotes.clear();
      this.trouble = undefined;
      this.endReason = reason;
      this.#become('ended');
    });
  }

  #suffer(state: 'reconnecting' | 'rebuilding', { attempt, cause }: Trouble): void {
    this.trouble = { attempt, cause };
    this.recoveredMs = undefined;
    this.gaps.look(true);
    this.#become(state);
  }

  #recover(durationMs: number): void {
    this.trouble = undefined;
    this.recoveredMs = durationMs;
    this.gaps.settle();
    this.#become('joined');
  }

  #except(error: unknown): void {
    const { name, message } = problemOf(error);
    this.log.add('exception', 'bad', name, { note: message, detail: { name, message } });
  }

  #become(state: RoomState): void {
    this.state = state;
    this.changed();
  }

  /** The SDK emits no event when a participant returns after a crash, because only ids have changed. */
  #compare(): void {
    if (!this.inRoom) return;
    const now = JSON.stringify(this.tiles, (key, value: unknown) => (key === 'manager' ? undefined : value));
    if (now === this.#shown) return;
    this.#shown = now;
    this.changed();
  }
}
