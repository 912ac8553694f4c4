import { ProtocolError } from '../../protocol/errors.ts';
import type { EventFrame, ServerEvents, Snapshot } from '../../protocol/frames.ts';
import { randomText } from '../../protocol/ids.ts';
import type { LeaveReason, MediaKind } from '../../protocol/model.ts';
import { notConnected, RejoinError } from '../errors.ts';
import {
  AttemptEvent,
  ConnectionEvent,
  ConnectionPresenceEvent,
  ExceptionEvent,
  RecoveredEvent,
  type RecoveryKind,
  SessionDestroyedEvent,
  SessionDisconnectedEvent,
  SignalEvent,
  StreamEvent,
  StreamPropertyChangedEvent,
} from '../events.ts';
import { MediaPlane } from '../media/media-plane.ts';
import type { Publisher } from '../media/publisher.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import { Subscriber, type SubscriberProperties } from '../media/subscriber.ts';
import type { VideoTarget } from '../media/video-placement.ts';
import { TypedEmitter } from '../typed-emitter.ts';
import { Connection } from './connection.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Attempt } from './lifecycle-events.ts';
import { Participants } from './participants.ts';
import { RecentIds } from './recent-ids.ts';
import { SessionMedia } from './session-media.ts';
import type { Capabilities, SessionOptions, SignalOptions } from './session-options.ts';
import type { SessionState } from './session-state.ts';
import { SignalOrder } from './signal-order.ts';
import type { Stream } from './stream.ts';
import type { TokenProvider } from './token-source.ts';

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

/** How long those who were there before a crash have to come back, before they are said to have left. */
const MISSING_MS = 15_000;

/** A call: who is in it, what they send, and its survival. */
export class Session extends TypedEmitter<SessionEvents> {
  /** This client's own connection, once connected. The object stays the same for all lives of the session. */
  connection: Connection | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #participants: Participants;
  readonly #media: SessionMedia;
  readonly #signals = new RecentIds();
  readonly #signalOrder = new SignalOrder();
  #nextSignal = 1;
  #missingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionOptions = {}) {
    super();
    this.#lifecycle = new Lifecycle(options);
    this.#followLifecycle();
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
      activeChanged: (stream, kind, active) => this.#activeChanged(stream, kind, active),
    });
    const { request } = this.#lifecycle;
    const broken = (cause: string): void =>
      this.#except(
        'ICE_CONNECTION_FAILED',
        this,
        `A media transport has no path, and one is looked for: ${cause}. Check the network if the media stays away.`,
      );
    this.#media = new SessionMedia({
      request,
      planeTo: (place, iceServers) => new MediaPlane(request, place, iceServers, broken),
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
    return this.#lifecycle.sessionId;
  }

  get state(): SessionState {
    return this.#lifecycle.state;
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
    return this.#lifecycle.connect(token, typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
  }

  /** Leaves, whatever is going on. */
  disconnect(): void {
    this.#lifecycle.disconnect();
  }

  /**
   * Sends the publisher's stream. Waits for its camera, and for a session that is just coming back.
   * @throws {RejoinError}
   */
  async publish(publisher: Publisher): Promise<void> {
    for (;;) {
      const { connection } = this;
      if (!connection) throw notConnected('publish()');
      await Promise.all([this.#lifecycle.joined('publish()'), publisher.ready]);
      try {
        return await this.#media.publish(publisher, connection);
      } catch (error) {
        if (!isLostToCrash(error)) throw toRejoinError(error);
      }
    }
  }

  /** Ends the publisher's stream. */
  async unpublish(publisher: Publisher): Promise<void> {
    await this.#lifecycle.joined('unpublish()');
    this.#media.unpublish(publisher);
  }

  /**
   * Receives a stream. With a target, its video is in the page when this returns. A stream has one subscriber: one that it
   * had before is unsubscribed.
   * @param target an element or its id; without one, use `subscriber.addVideoElement`
   */
  subscribe(stream: Stream, target?: VideoTarget, properties: SubscriberProperties = {}): Subscriber {
    if (stream.streamManager instanceof Subscriber) this.#media.unsubscribe(stream.streamManager);
    const subscriber = new Subscriber(stream, properties);
    if (target !== undefined) subscriber.createVideoElement(target, properties.insertMode);
    if (this.state === 'joined' || this.state === 'reconnecting') void this.#media.play(subscriber);
    return subscriber;
  }

  async unsubscribe(subscriber: Subscriber): Promise<void> {
    await this.#lifecycle.joined('unsubscribe()');
    this.#media.unsubscribe(subscriber);
  }

  /**
   * Sends a message. It arrives once at everyone it is for, or the promise rejects.
   * @throws {RejoinError}
   */
  async signal({ type, data, to }: SignalOptions): Promise<void> {
    await this.#lifecycle.joined('signal()');
    try {
      await this.#lifecycle.request('signal', {
        id: randomText(12),
        number: this.#nextSignal++,
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
    this.#lifecycle.reconnectNow();
  }

  #followLifecycle(): void {
    const lifecycle = this.#lifecycle;
    lifecycle.on('started', (snapshot) => this.#start(snapshot));
    lifecycle.on('renewed', (snapshot, sameSession) => this.#renew(snapshot, sameSession));
    lifecycle.on('reconciled', (snapshot) => this.#reconcile(snapshot));
    lifecycle.on('event', (frame) => this.#take(frame));
    lifecycle.on('reconnecting', (attempt) => this.#announce('reconnecting', 'signaling', attempt));
    lifecycle.on('reconnected', (durationMs) => this.#recovered('reconnected', 'resume', durationMs));
    lifecycle.on('rebuilding', (attempt) => this.#announce('rebuilding', 'signaling', attempt));
    lifecycle.on('destroyed', () => {
      clearTimeout(this.#missingTimer);
      this.#participants.lose();
      this.emitEvent('sessionDestroyed', new SessionDestroyedEvent(this));
    });
    lifecycle.on('lapsed', () => {
      clearTimeout(this.#missingTimer);
      this.#participants.lose();
    });
    lifecycle.on('suspended', () => {
      for (const manager of this.streamManagers) manager.suspend();
    });
    lifecycle.on('resumed', () => {
      for (const manager of this.streamManagers) manager.resume();
    });
    lifecycle.on('mediaDoubted', (sure) => this.#media.check(sure));
    lifecycle.on('disconnected', (reason, cause) => this.#end(reason, cause));
    lifecycle.on('failed', (error) => this.#except(error.code, this, `${error.message} ${error.action}`, error));
  }

  #start({ self, others, media, iceServers }: Snapshot): void {
    this.connection = new Connection(self);
    this.#media.begin(media, iceServers);
    const { life } = this.#lifecycle;
    this.emitEvent('connectionCreated', new ConnectionEvent('connectionCreated', this, this.connection));
    if (life === this.#lifecycle.life) this.#participants.addAll(others);
  }

  /** Another life, of the session or of this client in it: same objects, new ids. */
  #renew({ self, others, media, iceServers }: Snapshot, sameSession: boolean): void {
    this.connection?.update(self);
    this.#media.begin(media, iceServers);
    const { life } = this.#lifecycle;
    this.#participants.addAll(others);
    if (life !== this.#lifecycle.life) return;
    if (sameSession) this.#participants.forgetMissing('networkDisconnect');
    else this.#forgetMissingLater();
    const since = this.#lifecycle.troubleSince;
    void this.#bringMedia([], () => this.#recovered('rebuilt', 'rebuild', Math.round(performance.now() - since)));
  }

  /** Another owner: nothing is told but what differs from what is known. */
  #reconcile({ self, others, media }: Snapshot): void {
    this.connection?.update({ role: self.role, data: self.data });
    const moved = this.#media.move(media);
    this.#participants.reconcile(others, moved);
    if (moved) this.#followMedia();
  }

  /** The media is hosted anew: everything that was sent and received is brought there, under the same ids. */
  #followMedia(): void {
    const since = performance.now();
    this.#announce('reconnecting', 'media', { cause: 'nodeCrashed', attempt: 1, nextDelayMs: 0 });
    this.#forgetMissingLater();
    void this.#bringMedia(this.#participants.subscribers(), () =>
      this.#recovered('reconnected', 'mediaMoved', Math.round(performance.now() - since)),
    );
  }

  /** Sends again what was sent, and receives `subscribers`; `done` when that has worked and nothing new has come up. */
  async #bringMedia(subscribers: readonly Subscriber[], done: () => void): Promise<void> {
    const { connection } = this;
    if (!connection) return;
    const { life } = this.#lifecycle;
    try {
      await Promise.all([
        ...[...this.#media.publishers].map((publisher) => this.#media.publish(publisher, connection)),
        ...subscribers.map((subscriber) => this.#media.play(subscriber)),
      ]);
    } catch (error) {
      if (!isLostToCrash(error)) {
        this.#except('PUBLISH_FAILED', this, `A stream could not be published again: ${String(error)}`);
      }
    }
    if (life !== this.#lifecycle.life || this.state === 'ended' || this.state === 'rebuilding') return;
    this.#media.renewed();
    done();
  }

  #forgetMissingLater(): void {
    clearTimeout(this.#missingTimer);
    this.#missingTimer = setTimeout(() => this.#participants.forgetMissing('nodeCrashed'), MISSING_MS);
  }

  #end(reason: LeaveReason, cause: Error | undefined): void {
    clearTimeout(this.#missingTimer);
    const event = new SessionDisconnectedEvent(this, reason, cause);
    this.emitEvent('sessionDisconnected', event);
    for (const { streamManager } of this.#participants.clear()) {
      if (!(streamManager instanceof Subscriber)) continue;
      streamManager.stop();
      if (!event.isDefaultPrevented()) streamManager.removeVideos();
    }
    this.#media.end(reason);
  }

  #announce(type: 'reconnecting' | 'rebuilding', plane: 'signaling' | 'media', attempt: Attempt): void {
    this.emitEvent(type, new AttemptEvent(type, this, { plane, ...attempt }));
  }

  #recovered(type: 'reconnected' | 'rebuilt', kind: RecoveryKind, durationMs: number): void {
    this.emitEvent(type, new RecoveredEvent(type, this, { durationMs, kind }));
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
        if (this.#media.move(data.media)) this.#followMedia();
        return;
      case 'streamChanged':
      case 'connectionChanged':
      case 'networkQuality':
        return;
      case 'evicted':
        // The lifecycle's: it ends with `disconnected`.
        return;
    }
  }

  #activeChanged(stream: Stream, kind: MediaKind, active: boolean): void {
    const property = kind === 'audio' ? 'audioActive' : 'videoActive';
    const change = [stream, property, active, !active] as const;
    const manager = stream.streamManager;
    manager?.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent(manager, ...change));
    this.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent<Session>(this, ...change));
  }

  #signal({ id, type, data, from, number }: ServerEvents['signal']): void {
    // Those of the REST API have no sender who could number them.
    const isNew = from && number ? this.#signalOrder.isNew(from, number) : this.#signals.isNew(id);
    if (!isNew) return;
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
}

function isLostToCrash(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'SESSION_DESTROYED';
}

function toRejoinError(error: unknown): Error {
  if (!(error instanceof ProtocolError)) return error instanceof Error ? error : new Error(String(error));
  const name = error.code === 'NOT_PERMITTED' ? 'OPENVIDU_PERMISSION_DENIED' : 'GENERIC_ERROR';
  return new RejoinError(name, error.message, error.action, { code: error.code, cause: error });
}
