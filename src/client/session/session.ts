import { randomText } from '../../protocol/ids.ts';
import type { Method, Params } from '../../protocol/methods.ts';
import { AdvancedConfiguration } from '../advanced-configuration.ts';
import { notConnected, notPermitted } from '../errors.ts';
import type { Publisher } from '../media/publisher.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import { Subscriber, type SubscriberProperties } from '../media/subscriber.ts';
import { findTarget, type VideoTarget } from '../media/video-placement.ts';
import { worksInProxies } from '../reactive-proxy.ts';
import type { Rejoin } from '../rejoin.ts';
import { TypedEmitter } from '../typed-emitter.ts';
import type { Connection } from './connection.ts';
import { Membership } from './membership.ts';
import { requestFailed } from './refusal.ts';
import type { SessionEvents } from './session-events.ts';
import type { Capabilities, SessionOptions, SignalOptions } from './session-options.ts';
import type { SessionState } from './session-state.ts';
import { signalRequest } from './signals.ts';
import type { Stream } from './stream.ts';
import type { TokenProvider } from './token-source.ts';

/** Called when the operation is complete, or with its error. */
export type CompletionHandler = (error?: Error) => void;

/** A call: its participants and their streams. It survives crashes of the servers. Made by `initSession`. */
export class Session extends TypedEmitter<SessionEvents> {
  /** The object that made it. */
  readonly openvidu!: Rejoin;
  /** OpenVidu's: whether this client is in the session, including while it reconnects. Not in `rejoin.min.js`. */
  declare readonly sessionConnected: () => boolean;
  /**
   * OpenVidu's. Nothing is transcribed: rejects. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly subscribeToSpeechToText: (stream: Stream, lang: string) => Promise<void>;
  /**
   * OpenVidu's. Nothing is transcribed: rejects. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly unsubscribeFromSpeechToText: (stream: Stream) => Promise<void>;
  readonly #membership: Membership;
  /** Number of sent signals, which numbers the next one. */
  #said = 0;

  /** @internal */
  constructor(options: SessionOptions = {}, configuration = new AdvancedConfiguration()) {
    super();
    this.#membership = new Membership(this, options, configuration);
  }

  /**
   * This client's own connection; the object stays the same over all lives of the session. `undefined` before
   * `connectionCreated`, although OpenVidu's type excludes it.
   */
  get connection(): Connection {
    return this.#membership.own as Connection;
  }

  /** Id of the present or last session; empty before `connect()`, and with a token function before the join. */
  get sessionId(): string {
    return this.#membership.lifecycle.sessionId ?? '';
  }

  /** The present state: `joined` during normal operation. */
  get state(): SessionState {
    return this.#membership.lifecycle.state;
  }

  /** Publishers and subscribers of this session. */
  get streamManagers(): StreamManager[] {
    return [...this.#membership.media.publishers, ...this.#membership.participants.managers()];
  }

  /** All remote connections, by id. */
  get remoteConnections(): Map<string, Connection> {
    return this.#membership.participants.connections();
  }

  /** The actions that this client's role allows. The server may change the role: `connectionPropertyChanged`. */
  get capabilities(): Capabilities {
    const role = this.#membership.own?.role;
    const moderator = role === 'MODERATOR';
    return {
      subscribe: role !== undefined,
      publish: role === 'PUBLISHER' || moderator,
      forceUnpublish: moderator,
      forceDisconnect: moderator,
    };
  }

  /**
   * Joins the session. With a token function, the session survives the crash of its owner; a plain token can join
   * once.
   *
   * Before the promise resolves, the session emits `connectionCreated` for this client and each present participant,
   * and then `streamCreated` for their streams.
   * @param token `ws(s)://host[:port]?sessionId=…&token=…`, as the REST API returns it, or a function that gets one
   * @param metadata text for others in `connection.data`; any other value is converted to JSON; default: empty
   * @throws {RejoinError} TOKEN_INVALID; BROWSER_NOT_SUPPORTED; CONNECT_FAILED, with `code` TOKEN_UNAVAILABLE,
   *   SERVER_UNREACHABLE, CONNECT_CANCELLED or the server's code; always settles, within `connectTimeoutMs`. `state`
   *   announces each attempt
   */
  connect(token: string | TokenProvider, metadata?: unknown): Promise<void> {
    const text = typeof metadata === 'string' ? metadata : metadata ? JSON.stringify(metadata) : '';
    return this.#membership.lifecycle.connect(token, text);
  }

  /** Leaves, in any state. Emits `sessionDisconnected` before it returns. */
  disconnect(): void {
    this.#membership.lifecycle.disconnect();
  }

  /**
   * Publishes the publisher's stream. Waits for its sources, which are opened again after an `unpublish`, and for a
   * session that is reconnecting. The stream has this client's `connection` and `session` when this returns. The last
   * call of `publish()`, `unpublish()` and `dispose()` wins, at any interval.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; PUBLISHED_ELSEWHERE; the error of the
   *   sources; BROWSER_NOT_SUPPORTED; GENERIC_ERROR (`code` is the server's)
   */
  async publish(publisher: Publisher): Promise<void> {
    const { media } = this.#membership;
    const own = this.#permitted('publish');
    publisher.claim(media, own);
    try {
      await media.publish(publisher, own);
    } catch (error) {
      throw requestFailed(error);
    }
  }

  /**
   * Ends the publisher's stream. It emits `streamDestroyed` with reason `unpublish` before this returns. A pending
   * `publish()` rejects with `code` STREAM_UNKNOWN. A publisher that is not published here is not affected.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async unpublish(publisher: Publisher): Promise<void> {
    this.#connected('unpublish()');
    this.#membership.media.unpublish(publisher);
  }

  /**
   * Receives a stream. With a target, its video is in the page when this returns. A stream has one subscriber: an
   * earlier one is unsubscribed.
   * @param target an element or its id; without one, use `subscriber.addVideoElement`
   * @param done called when the stream has arrived, or with the error if it cannot
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; GENERIC_ERROR if the page has no such element;
   *   BROWSER_NOT_SUPPORTED outside of a browser
   */
  subscribe(
    stream: Stream,
    target?: VideoTarget,
    properties?: SubscriberProperties,
    done?: CompletionHandler,
  ): Subscriber;
  subscribe(stream: Stream, target: VideoTarget | undefined, done: CompletionHandler): Subscriber;
  subscribe(
    stream: Stream,
    target?: VideoTarget,
    second: SubscriberProperties | CompletionHandler = {},
    third?: CompletionHandler,
  ): Subscriber {
    const [properties, done] = typeof second === 'function' ? [{}, second] : [second, third];
    const subscriber = this.#subscribe(stream, target, properties, done);
    if (done) {
      this.#membership.media.arrival(subscriber).then(
        () => done(),
        (error: unknown) => done(requestFailed(error)),
      );
    }
    return subscriber;
  }

  /**
   * Like `subscribe`, but resolves when the stream has arrived.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; BROWSER_NOT_SUPPORTED; GENERIC_ERROR (`code` is the server's)
   */
  async subscribeAsync(
    stream: Stream,
    target?: VideoTarget,
    properties: SubscriberProperties = {},
  ): Promise<Subscriber> {
    const subscriber = this.#subscribe(stream, target, properties);
    try {
      await this.#membership.media.arrival(subscriber);
    } catch (error) {
      throw requestFailed(error);
    }
    return subscriber;
  }

  /**
   * Stops receiving a stream and removes the SDK's own videos of it.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async unsubscribe(subscriber: Subscriber): Promise<void> {
    this.#connected('unsubscribe()');
    this.#membership.media.unsubscribe(subscriber);
  }

  /**
   * Sends a signal. It arrives once at each recipient, the sender included by default, or the promise rejects. The
   * promise resolves when each recipient has received it or the server keeps it. The server keeps it for recipients
   * away for two seconds, until they return or leave.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; GENERIC_ERROR (`code` is the server's)
   */
  signal(signal: SignalOptions): Promise<void> {
    return this.#ask('signal()', 'signal', () => {
      this.#said += 1;
      return signalRequest(randomText(12), this.#said, signal);
    });
  }

  /**
   * Removes a participant. Its client emits `sessionDisconnected`, the others `connectionDestroyed`, both with reason
   * `forceDisconnectByUser`. For a `MODERATOR`.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; GENERIC_ERROR (`code` is the server's)
   */
  async forceDisconnect(connection: Connection): Promise<void> {
    this.#permitted('forceDisconnect');
    await this.#ask('forceDisconnect()', 'forceDisconnect', () => ({ connectionId: connection.connectionId }));
  }

  /**
   * Ends a participant's stream. Its publisher and the others emit `streamDestroyed` with reason
   * `forceUnpublishByUser`. For a `MODERATOR`.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; GENERIC_ERROR (`code` is the server's)
   */
  async forceUnpublish(stream: Stream): Promise<void> {
    this.#permitted('forceUnpublish');
    await this.#ask('forceUnpublish()', 'forceUnpublish', () => ({ streamId: stream.streamId }));
  }

  /** Makes the next attempt to reconnect at once. */
  reconnectNow(): void {
    this.#membership.lifecycle.reconnectNow();
  }

  /** @internal Makes new transports for all media. */
  async renewMedia(): Promise<void> {
    const { lifecycle, recovery } = this.#membership;
    await lifecycle.joined('reconnect()');
    await recovery.renewTransports('reconnect() was called');
  }

  #permitted(what: Exclude<keyof Capabilities, 'subscribe'>): Connection {
    const own = this.#connected(`${what}()`);
    if (!this.capabilities[what]) throw notPermitted(`${what}()`, own.role);
    return own;
  }

  /** This client's own connection. */
  #connected(what: string): Connection {
    const { own } = this.#membership;
    const { state } = this;
    if (!own || state === 'idle' || state === 'joining' || state === 'ended') throw notConnected(what);
    return own;
  }

  protected override listenersChanged(name: keyof SessionEvents): void {
    if (name !== 'publisherStartSpeaking' && name !== 'publisherStopSpeaking') return;
    for (const manager of this.streamManagers) manager.listenAnew();
  }

  /** Computes `params` only when the session is joined, because a rebuild changes ids. */
  async #ask<M extends Method>(what: string, method: M, params: () => Params<M>): Promise<void> {
    await this.#membership.lifecycle.joined(what);
    try {
      await this.#membership.lifecycle.request(method, params());
    } catch (error) {
      throw requestFailed(error);
    }
  }

  #subscribe(
    stream: Stream,
    target: VideoTarget | undefined,
    properties: SubscriberProperties,
    done?: CompletionHandler,
  ): Subscriber {
    try {
      this.#connected('subscribe()');
    } catch (error) {
      done?.(error as Error);
      throw error;
    }
    // Check this first, before anything needs to be undone.
    const element = target && findTarget(target);
    if (stream.manager instanceof Subscriber) this.#membership.media.unsubscribe(stream.manager);
    const subscriber = this.#membership.makeSubscriber(stream, properties);
    if (element) subscriber.createVideoElement(element, properties.insertMode);
    // During a rebuild the stream plays when the session is back.
    if (this.state !== 'rebuilding') void this.#membership.media.play(subscriber);
    return subscriber;
  }
}
worksInProxies(Session);
