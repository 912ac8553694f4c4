import { ProtocolError } from '../../protocol/errors.ts';
import type { EventFrame, ServerEvents, WelcomeFrame } from '../../protocol/frames.ts';
import { randomText, type SessionId } from '../../protocol/ids.ts';
import type { LeaveReason } from '../../protocol/model.ts';
import type { TokenUrl } from '../../protocol/token-url.ts';
import { notConnected, RejoinError } from '../errors.ts';
import {
  AttemptEvent,
  ConnectionEvent,
  ConnectionPresenceEvent,
  ExceptionEvent,
  RecoveredEvent,
  SessionDestroyedEvent,
  SessionDisconnectedEvent,
  SignalEvent,
  StreamEvent,
  StreamPropertyChangedEvent,
} from '../events.ts';
import type { Publisher } from '../media/publisher.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import { Subscriber, type SubscriberProperties } from '../media/subscriber.ts';
import type { VideoTarget } from '../media/video-placement.ts';
import { delayBefore, type RetryPolicy } from '../signaling/backoff.ts';
import { Pause } from '../signaling/pause.ts';
import { Signaling } from '../signaling/signaling.ts';
import { TypedEmitter } from '../typed-emitter.ts';
import { Connection } from './connection.ts';
import { Participants } from './participants.ts';
import { RecentIds } from './recent-ids.ts';
import { MEDIA_AGAIN_MS, MEDIA_ATTEMPTS, SessionMedia } from './session-media.ts';
import { type SessionEffect, type SessionInput, type SessionState, transition } from './session-state.ts';
import type { Stream } from './stream.ts';
import { TokenFailure, type TokenProvider, TokenSource } from './token-source.ts';

export interface SessionEvents {
  connectionCreated: ConnectionEvent;
  connectionDestroyed: ConnectionEvent;
  connectionPresence: ConnectionPresenceEvent;
  streamCreated: StreamEvent<Session>;
  streamDestroyed: StreamEvent<Session>;
  streamPropertyChanged: StreamPropertyChangedEvent<Session>;
  signal: SignalEvent;
  [signalOfType: `signal:${string}`]: SignalEvent;
  /** The socket is lost; told before every attempt to get another. */
  reconnecting: AttemptEvent;
  reconnected: RecoveredEvent;
  sessionDestroyed: SessionDestroyedEvent;
  /** The session is being brought back; told before every attempt. */
  rebuilding: AttemptEvent;
  rebuilt: RecoveredEvent;
  sessionDisconnected: SessionDisconnectedEvent;
  exception: ExceptionEvent;
}

export interface SessionOptions {
  /** When to try again after a loss. */
  readonly retry?: RetryPolicy;
  /** Balancers to try in turn, e.g. `["wss://a.example", "wss://b.example"]`; default: the token's. */
  readonly urls?: readonly string[];
  /** How long `connect()` tries, ms; default 15 000. */
  readonly connectTimeoutMs?: number;
}

export interface SignalOptions {
  readonly type?: string;
  readonly data?: string;
  /** Default: everyone, the sender among them. */
  readonly to?: readonly Connection[];
}

/** What this client may do, by its role. */
export interface Capabilities {
  readonly subscribe: boolean;
  readonly publish: boolean;
  readonly forceUnpublish: boolean;
  readonly forceDisconnect: boolean;
}

const CONNECT_TIMEOUT_MS = 15_000;
/** How long those who were there before a crash have to come back, before they are said to have left. */
const MISSING_MS = 15_000;
const SDK = 'rejoin-js/0.1.0';

/** Codes of a refused hello that another token may help against. */
const SESSION_OVER: readonly string[] = ['SESSION_UNKNOWN', 'SESSION_DESTROYED', 'SESSION_CLOSED'];
const TOKEN_BAD: readonly string[] = ['TOKEN_UNKNOWN', 'TOKEN_USED'];

const LOSSES: Readonly<Record<number, string>> = {
  4001: 'moved',
  4408: 'heartbeatMissed',
  4503: 'unavailable',
  4998: 'heartbeatMissed',
};

/** What came with an input, for its effects. */
interface Detail {
  readonly welcome?: WelcomeFrame;
  readonly token?: TokenUrl;
  readonly reason?: LeaveReason;
  readonly error?: Error;
  readonly cause?: string;
  /** The state that the input came in. */
  readonly from?: SessionState;
}

/** A call: who is in it, what they send, and its survival. */
export class Session extends TypedEmitter<SessionEvents> {
  /** This client's own connection, once connected. The object stays the same for all lives of the session. */
  connection: Connection | undefined;
  readonly #options: SessionOptions;
  readonly #signaling: Signaling;
  readonly #participants: Participants;
  readonly #media: SessionMedia;
  readonly #pause = new Pause();
  readonly #signals = new RecentIds();
  #state: SessionState = 'idle';
  #sessionId: SessionId | undefined;
  #source: TokenSource | undefined;
  #metadata = '';
  /** Counts rounds of getting a token: the answer of one that has been overtaken is dropped. */
  #round = 0;
  #attempt = 0;
  #cause = '';
  /** What failed last, on the way in or back. */
  #lastError: Error | undefined;
  /** `performance.now()` of the first word of the trouble that is being got over. */
  #troubleSince = 0;
  #giveUpTimer: ReturnType<typeof setTimeout> | undefined;
  #missingTimer: ReturnType<typeof setTimeout> | undefined;
  #connecting: { resolve: () => void; reject: (error: RejoinError) => void } | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(options: SessionOptions = {}) {
    super();
    this.#options = options;
    this.#signaling = new Signaling({
      policy: options.retry ?? {},
      random: Math.random,
      now: () => Date.now(),
      sdk: SDK,
    });
    this.#signaling.on('welcome', (welcome) => {
      const tookOver = welcome.resumed && welcome.snapshot !== undefined;
      this.#input(tookOver ? 'takenOver' : 'welcome', { welcome });
    });
    this.#signaling.on('lost', (code) => this.#input('lost', { cause: LOSSES[code] ?? 'socketClosed' }));
    this.#signaling.on('destroyed', () => this.#input(this.#source?.isRenewable ? 'destroyed' : 'crashed'));
    this.#signaling.on('refused', (error) => this.#refused(error));
    this.#signaling.on('event', (frame) => this.#take(frame));
    this.#signaling.on('retrying', (attempt, nextDelayMs) => {
      if (this.#state !== 'reconnecting') return;
      const detail = { plane: 'signaling', cause: this.#cause, attempt, nextDelayMs } as const;
      this.emitEvent('reconnecting', new AttemptEvent('reconnecting', this, detail));
    });
    this.#participants = new Participants({
      connectionCreated: (connection) =>
        this.emitEvent('connectionCreated', new ConnectionEvent('connectionCreated', this, connection)),
      connectionDestroyed: (connection, reason) =>
        this.emitEvent('connectionDestroyed', new ConnectionEvent('connectionDestroyed', this, connection, reason)),
      streamCreated: (stream) =>
        this.emitEvent('streamCreated', new StreamEvent<Session>('streamCreated', this, stream)),
      streamRenewed: (stream) => {
        if (stream.streamManager instanceof Subscriber) void this.#media.play(stream.streamManager);
      },
      streamDestroyed: (stream, reason) => this.#streamDestroyed(stream, reason),
      presenceChanged: (connection, presence) =>
        this.emitEvent('connectionPresence', new ConnectionPresenceEvent(this, connection, presence)),
      activeChanged: (stream, kind, active) => {
        const property = kind === 'audio' ? 'audioActive' : 'videoActive';
        const change = [stream, property, active, !active] as const;
        const manager = stream.streamManager;
        manager?.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent(manager, ...change));
        this.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent<Session>(this, ...change));
      },
    });
    this.#media = new SessionMedia({
      request: (method, data) => this.#signaling.request(method, data),
      broken: (cause) =>
        this.#except(
          'ICE_CONNECTION_FAILED',
          this,
          `A media transport is broken: ${cause}. Reload if the media stays away.`,
        ),
      failed: (stream, error) =>
        this.#except(
          'NO_STREAM_PLAYING_EVENT',
          stream,
          `Stream ${stream.streamId} cannot be played: ${String(error)}`,
          error,
        ),
    });
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Publishers and subscribers of this session. */
  get streamManagers(): readonly StreamManager[] {
    return [...this.#media.publishers, ...this.#participants.managers()];
  }

  get capabilities(): Capabilities {
    const role = this.connection?.role;
    const moderator = role === 'MODERATOR';
    return {
      subscribe: role !== undefined,
      publish: role === 'PUBLISHER' || moderator,
      forceUnpublish: moderator,
      forceDisconnect: moderator,
    };
  }

  /**
   * Joins. With a function that gets a new token each time it is called, the session also survives the crash of the
   * node that owns it; a plain token can join once.
   *
   * Before the promise resolves, `connectionCreated` has been told for this client and then for everyone there, and
   * then `streamCreated` for what they publish.
   * @param metadata what others read in `connection.data`; anything but a string is made JSON
   * @throws {RejoinError} TOKEN_INVALID, CONNECT_FAILED (`code` has the server's word); always settles, within
   *   `connectTimeoutMs`
   */
  connect(token: string | TokenProvider, metadata: unknown = ''): Promise<void> {
    if (!transition(this.#state, 'connect')) {
      const error = new RejoinError(
        'CONNECT_FAILED',
        `The session is ${this.#state} already.`,
        'Call disconnect() before connecting again, or use another session object.',
      );
      return Promise.reject(error);
    }
    this.#source = new TokenSource(token);
    this.#lastError = undefined;
    this.#metadata = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
    return new Promise<void>((resolve, reject) => {
      this.#connecting = { resolve, reject };
      this.#limit(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, 'no answer in time');
      this.#input('connect');
    });
  }

  /** Leaves, whatever is going on. */
  disconnect(): void {
    this.#input('disconnect', { reason: 'disconnect', error: new Error('disconnect() was called') });
  }

  /** Sends the publisher's stream. Waits for its camera, and for a session that is just coming back. */
  async publish(publisher: Publisher): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { connection } = this;
      if (!connection) throw notConnected('publish()');
      await Promise.all([this.#joined('publish()'), publisher.ready]);
      try {
        return await this.#media.publish(publisher, connection);
      } catch (error) {
        if (isLostToCrash(error)) continue;
        // The media node has just gone: where it goes on is about to be told.
        const passing = error instanceof ProtocolError && error.code === 'UNAVAILABLE' && attempt < MEDIA_ATTEMPTS;
        if (!passing) throw toRejoinError(error);
        await new Promise((resolve) => setTimeout(resolve, MEDIA_AGAIN_MS));
      }
    }
  }

  /** Ends the publisher's stream. */
  async unpublish(publisher: Publisher): Promise<void> {
    await this.#joined('unpublish()');
    this.#media.unpublish(publisher);
  }

  /**
   * Receives a stream. With a target, its video is in the page when this returns.
   * @param target an element or its id; without one, use `subscriber.addVideoElement`
   */
  subscribe(stream: Stream, target?: VideoTarget, properties: SubscriberProperties = {}): Subscriber {
    const subscriber = new Subscriber(stream, properties);
    if (target !== undefined) subscriber.createVideoElement(target, properties.insertMode);
    if (this.#state === 'joined' || this.#state === 'reconnecting') void this.#media.play(subscriber);
    return subscriber;
  }

  async unsubscribe(subscriber: Subscriber): Promise<void> {
    await this.#joined('unsubscribe()');
    this.#media.unsubscribe(subscriber);
  }

  /**
   * Sends a message. It arrives once at everyone it is for, or the promise rejects.
   * @throws {RejoinError}
   */
  async signal({ type, data, to }: SignalOptions): Promise<void> {
    await this.#joined('signal()');
    try {
      await this.#signaling.request('signal', {
        id: randomText(12),
        ...(type === undefined ? {} : { type }),
        ...(data === undefined ? {} : { data }),
        ...(to?.length ? { to: to.map(({ connectionId }) => connectionId) } : {}),
      });
    } catch (error) {
      throw toRejoinError(error);
    }
  }

  /** Tries at once instead of waiting for the next attempt. */
  reconnectNow(): void {
    this.#pause.skip();
    this.#signaling.reconnectNow();
  }

  #input(input: SessionInput, detail: Detail = {}): void {
    const found = transition(this.#state, input);
    if (!found) return;
    const from = this.#state;
    this.#state = found.next;
    if (detail.cause !== undefined) this.#cause = detail.cause;
    if (detail.error !== undefined) this.#lastError = detail.error;
    for (const effect of found.effects) this.#effects[effect]({ ...detail, from });
    if (found.next === 'joined') this.#settleWaiting();
    else if (found.next === 'ended') this.#settleWaiting(notConnected('This'));
  }

  readonly #effects: Readonly<Record<SessionEffect, (detail: Detail) => void>> = {
    fetchToken: (detail) => void this.#fetchToken(detail),
    sendJoin: ({ token }) => {
      if (!token) return;
      const { sessionId, origin } = token;
      const previous = this.#state === 'rebuilding' ? this.#signaling.lastPlace : undefined;
      this.#signaling.join(
        {
          sessionId,
          token: token.token,
          key: randomText(16),
          metadata: this.#metadata,
          ...(previous
            ? {
                previous: {
                  uniqueSessionId: previous.uniqueSessionId,
                  connectionId: previous.connectionId,
                  resumeKey: previous.resumeKey,
                },
              }
            : {}),
        },
        this.#options.urls ?? [origin],
      );
    },
    startSession: ({ welcome }) => {
      const { snapshot } = this.#settle(welcome);
      this.connection = new Connection(snapshot.self);
      this.#media.begin(snapshot.media, snapshot.iceServers);
      this.emitEvent('connectionCreated', new ConnectionEvent('connectionCreated', this, this.connection));
      this.#participants.addAll(snapshot.others);
      this.#connecting?.resolve();
      this.#connecting = undefined;
    },
    reconcile: ({ welcome }) => {
      if (!welcome?.snapshot) return;
      const { self, others, media } = welcome.snapshot;
      this.connection?.update({ role: self.role, data: self.data });
      const moved = this.#media.move(media);
      this.#participants.reconcile(others, moved);
      if (moved) void this.#followMedia();
    },
    rebuildSession: ({ welcome }) => {
      const { snapshot } = this.#settle(welcome);
      this.connection?.update(snapshot.self);
      this.#media.begin(snapshot.media, snapshot.iceServers);
      this.#participants.addAll(snapshot.others);
      this.#forgetMissingLater();
      void this.#republish(this.#round);
    },
    announceReconnecting: () => {
      this.#troubleSince = performance.now();
      const { giveUpAfterMs } = this.#options.retry ?? {};
      if (giveUpAfterMs !== undefined) this.#limit(giveUpAfterMs, 'not reconnected in time');
    },
    announceReconnected: () => {
      clearTimeout(this.#giveUpTimer);
      const detail = { durationMs: Math.round(performance.now() - this.#troubleSince), kind: 'resume' } as const;
      this.emitEvent('reconnected', new RecoveredEvent('reconnected', this, detail));
    },
    announceDestroyed: ({ from }) => {
      // Who has lost its socket with the owner has been in trouble since then.
      if (from === 'joined') this.#troubleSince = performance.now();
      this.#attempt = 0;
      this.#cause = 'nodeCrashed';
      clearTimeout(this.#giveUpTimer);
      const { giveUpAfterMs } = this.#options.retry ?? {};
      if (giveUpAfterMs !== undefined) this.#limit(giveUpAfterMs, 'not rebuilt in time');
      this.#participants.crash();
      this.emitEvent('sessionDestroyed', new SessionDestroyedEvent(this));
    },
    announceDisconnected: ({ reason }) => {
      const why = reason ?? 'nodeCrashed';
      clearTimeout(this.#missingTimer);
      const event = new SessionDisconnectedEvent(this, why);
      this.emitEvent('sessionDisconnected', event);
      for (const { streamManager } of this.#participants.clear()) {
        if (!(streamManager instanceof Subscriber)) continue;
        streamManager.stop();
        if (!event.isDefaultPrevented()) streamManager.removeVideos();
      }
      this.#media.end(why);
    },
    rejectConnect: ({ error }) => {
      this.#connecting?.reject(
        error instanceof RejoinError
          ? error
          : new RejoinError(
              'CONNECT_FAILED',
              `The session could not be joined: ${error?.message ?? 'it has crashed'}`,
              error instanceof ProtocolError ? error.action : 'Try again with a new token.',
              { cause: error, ...(error instanceof ProtocolError ? { code: error.code } : {}) },
            ),
      );
      this.#connecting = undefined;
    },
    sayGoodbye: () => void this.#signaling.request('leave', {}).catch(() => {}),
    closeSocket: () => {
      this.#round += 1;
      clearTimeout(this.#giveUpTimer);
      this.#pause.skip();
      this.#signaling.close(new ProtocolError('SESSION_CLOSED'));
    },
  };

  /** A welcome that begins a life of the session. */
  #settle(welcome: WelcomeFrame | undefined): { snapshot: NonNullable<WelcomeFrame['snapshot']> } {
    clearTimeout(this.#giveUpTimer);
    if (!welcome?.snapshot) throw new Error('A welcome to a join has a snapshot.');
    this.#sessionId = welcome.sessionId;
    this.#attempt = 0;
    return { snapshot: welcome.snapshot };
  }

  async #fetchToken({ error }: Detail): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.#attempt += 1;
    const rebuilding = this.#state === 'rebuilding';
    if (error) this.#cause = error.message;
    const first = !rebuilding && this.#attempt === 1;
    const nextDelayMs = first ? 0 : delayBefore(this.#attempt, this.#options.retry ?? {}, Math.random);
    if (rebuilding) {
      const detail = { plane: 'signaling', cause: this.#cause, attempt: this.#attempt, nextDelayMs } as const;
      this.emitEvent('rebuilding', new AttemptEvent('rebuilding', this, detail));
    }
    await this.#pause.wait(nextDelayMs);
    if (round !== this.#round || !this.#source) return;
    try {
      const token = await this.#source.next();
      if (round === this.#round) this.#input('token', { token });
    } catch (failure) {
      if (round !== this.#round) return;
      const final = failure instanceof TokenFailure && failure.final;
      const cause = failure instanceof TokenFailure && failure.cause instanceof RejoinError ? failure.cause : failure;
      this.#input(final ? 'refused' : 'tokenFailed', { error: cause as Error, reason: 'nodeCrashed' });
    }
  }

  async #republish(round: number): Promise<void> {
    const { connection } = this;
    if (!connection) return;
    const since = this.#troubleSince;
    try {
      await Promise.all([...this.#media.publishers].map((publisher) => this.#media.publish(publisher, connection)));
    } catch (error) {
      if (!isLostToCrash(error))
        this.#except('PUBLISH_FAILED', this, `A stream could not be published again: ${String(error)}`);
    }
    if (round !== this.#round || this.#state === 'ended' || this.#state === 'rebuilding') return;
    this.#media.renewed();
    const detail = { durationMs: Math.round(performance.now() - since), kind: 'rebuild' } as const;
    this.emitEvent('rebuilt', new RecoveredEvent('rebuilt', this, detail));
  }

  /** The media is hosted anew: everything that was sent and received is brought there, under the same ids. */
  async #followMedia(): Promise<void> {
    const { connection } = this;
    if (!connection) return;
    const since = performance.now();
    const round = this.#round;
    const detail = { plane: 'media', cause: 'nodeCrashed', attempt: 1, nextDelayMs: 0 } as const;
    this.emitEvent('reconnecting', new AttemptEvent('reconnecting', this, detail));
    this.#forgetMissingLater();
    try {
      await Promise.all([
        ...[...this.#media.publishers].map((publisher) => this.#media.publish(publisher, connection)),
        ...this.#participants.subscribers().map((subscriber) => this.#media.play(subscriber)),
      ]);
    } catch (error) {
      if (!isLostToCrash(error))
        this.#except('PUBLISH_FAILED', this, `A stream could not be published again: ${String(error)}`);
    }
    if (round !== this.#round || this.#state === 'ended' || this.#state === 'rebuilding') return;
    this.#media.renewed();
    const durationMs = Math.round(performance.now() - since);
    this.emitEvent('reconnected', new RecoveredEvent('reconnected', this, { durationMs, kind: 'mediaMoved' }));
  }

  #forgetMissingLater(): void {
    clearTimeout(this.#missingTimer);
    this.#missingTimer = setTimeout(() => this.#participants.forgetMissing('nodeCrashed'), MISSING_MS);
  }

  #refused(error: ProtocolError): void {
    const helped =
      SESSION_OVER.includes(error.code) || (this.#state === 'rebuilding' && TOKEN_BAD.includes(error.code));
    if (helped && this.#source?.isRenewable && (this.#state === 'joining' || this.#state === 'rebuilding')) {
      return this.#input('tokenFailed', { error });
    }
    if (this.#state === 'joined') this.#except(error.code, this, `${error.message} ${error.action}`, error);
    const reason: LeaveReason = error.code === 'SESSION_CLOSED' ? 'sessionClosedByServer' : 'networkDisconnect';
    this.#input('refused', { error, reason: this.#state === 'rebuilding' ? 'nodeCrashed' : reason });
  }

  #limit(ms: number, what: string): void {
    clearTimeout(this.#giveUpTimer);
    this.#giveUpTimer = setTimeout(() => {
      const reason: LeaveReason = this.#state === 'rebuilding' ? 'nodeCrashed' : 'networkDisconnect';
      const last = this.#lastError;
      const error = new Error(`${what} (${ms} ms)${last ? `; last: ${last.message}` : ''}`, { cause: last });
      this.#input('gaveUp', { reason, error });
    }, ms);
  }

  #take(frame: EventFrame): void {
    const { event, data } = frame;
    switch (event) {
      case 'connectionCreated':
        return this.#participants.add(data.connection);
      case 'connectionDestroyed':
        return this.#participants.remove(data.connectionId, data.reason);
      case 'connectionPresence':
        return this.#participants.setPresence(data.connectionId, data.presence);
      case 'streamCreated':
        return this.#participants.addStream(data.stream);
      case 'streamDestroyed':
        return this.#participants.removeStream(data.streamId, data.reason);
      case 'streamActive':
        return this.#participants.setActive(data.streamId, data.kind, data.active);
      case 'signal':
        return this.#signal(data);
      case 'mediaMoved':
        if (this.#media.move(data.media)) void this.#followMedia();
        return;
      case 'evicted':
        return this.#input('evicted', { reason: data.reason, error: new Error(data.reason) });
    }
  }

  #signal({ id, type, data, from }: ServerEvents['signal']): void {
    if (!this.#signals.isNew(`${from} ${id}`)) return;
    const own = this.connection?.connectionId === from ? this.connection : undefined;
    const sender = own ?? (from && this.#participants.connection(from));
    const name = type ? (`signal:${type}` as const) : 'signal';
    const event = new SignalEvent(name, this, data, sender);
    this.emitEvent('signal', event);
    if (name !== 'signal') this.emitEvent(name, event);
  }

  #streamDestroyed(stream: Stream, reason: StreamEvent['reason']): void {
    const event = new StreamEvent<Session>('streamDestroyed', this, stream, reason);
    this.emitEvent('streamDestroyed', event);
    if (event.isDefaultPrevented() || !(stream.streamManager instanceof Subscriber)) return;
    const subscriber = stream.streamManager;
    subscriber.stop();
    subscriber.removeVideos();
  }

  #except(name: string, origin: Session | Stream, message: string, data?: unknown): void {
    this.emitEvent('exception', new ExceptionEvent(this, { name, origin, message, data }));
  }

  /** Resolves when the session is joined. What is asked of a session that reconnects is sent when it has. */
  #joined(what: string): Promise<void> {
    if (this.#state === 'joined' || this.#state === 'reconnecting') return Promise.resolve();
    if (this.#state !== 'rebuilding') return Promise.reject(notConnected(what));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #settleWaiting(error?: Error): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
  }
}

function isLostToCrash(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'SESSION_DESTROYED';
}

function toRejoinError(error: unknown): Error {
  if (!(error instanceof ProtocolError)) return error instanceof Error ? error : new Error(String(error));
  const name = error.code === 'NOT_PERMITTED' ? 'OPENVIDU_PERMISSION_DENIED' : 'GENERIC_ERROR';
  return new RejoinError(name, error.message, error.action, { code: error.code, cause: error });
}
