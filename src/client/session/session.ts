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

/** Called when what was asked for is done, or with the error why not. */
export type CompletionHandler = (error?: Error) => void;

/** A call: who is in it, what they send, and its survival. Made by `initSession`. */
export class Session extends TypedEmitter<SessionEvents> {
  /** What has made it. */
  readonly openvidu!: Rejoin;
  /** OpenVidu's: whether this client is in the session, also while it is reconnecting. Not in `rejoin.min.js`. */
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
  /** How many signals it has sent: what numbers them. */
  #said = 0;

  /** @internal */
  constructor(options: SessionOptions = {}, configuration = new AdvancedConfiguration()) {
    super();
    this.#membership = new Membership(this, options, configuration);
  }

  /**
   * This client's own connection; the object stays the same for all lives of the session. Its type is OpenVidu's: before
   * `connectionCreated` it is `undefined`.
   */
  get connection(): Connection {
    return this.#membership.own as Connection;
  }

  /** Of the session that this client is in, or was last; empty before `connect()`, and without a plain token before it joins. */
  get sessionId(): string {
    return this.#membership.lifecycle.sessionId ?? '';
  }

  /** Where it is in its life: `joined` when all is well. */
  get state(): SessionState {
    return this.#membership.lifecycle.state;
  }

  /** Publishers and subscribers of this session. */
  get streamManagers(): StreamManager[] {
    return [...this.#membership.media.publishers, ...this.#membership.participants.managers()];
  }

  /** Everyone else in the session, by their ids. */
  get remoteConnections(): Map<string, Connection> {
    return this.#membership.participants.connections();
  }

  /** What this client may do, by its role, which the server may change: `connectionPropertyChanged`. */
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
   * Joins. With a function that gets a new token each time it is called, the session also survives the crash of the
   * node that owns it; a plain token can join once.
   *
   * Before the promise resolves, `connectionCreated` has been told for this client and then for everyone there, and
   * then `streamCreated` for what they publish.
   * @param token `ws(s)://host[:port]?sessionId=…&token=…`, as the REST API makes it, or a function that gets one
   * @param metadata what others read in `connection.data`; anything but a string is made JSON; default: nothing
   * @throws {RejoinError} TOKEN_INVALID; BROWSER_NOT_SUPPORTED; CONNECT_FAILED, with `code` TOKEN_UNAVAILABLE,
   *   SERVER_UNREACHABLE, CONNECT_CANCELLED or the server's word; always settles, within `connectTimeoutMs`. Each attempt before
   *   that is told by `state`
   */
  connect(token: string | TokenProvider, metadata?: unknown): Promise<void> {
    const text = typeof metadata === 'string' ? metadata : metadata ? JSON.stringify(metadata) : '';
    return this.#membership.lifecycle.connect(token, text);
  }

  /** Leaves, whatever is going on. `sessionDisconnected` is told before this returns. */
  disconnect(): void {
    this.#membership.lifecycle.disconnect();
  }

  /**
   * Sends the publisher's stream. Waits for its camera, which is opened again if an `unpublish` has closed it, and for a
   * session that is just coming back. The stream has this client's `connection` and `session` when this returns. Of `publish()`,
   * `unpublish()` and `dispose()` the last call wins, whatever the time between them.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; PUBLISHED_ELSEWHERE; why the sources are not open;
   *   BROWSER_NOT_SUPPORTED; GENERIC_ERROR (`code` has the server's word)
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
   * Ends the publisher's stream, which tells `streamDestroyed` with reason `unpublish` before this returns. A `publish()` that
   * has not come to its end is cancelled: its promise rejects with `code` STREAM_UNKNOWN. Nothing happens to a publisher that is not
   * published here.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async unpublish(publisher: Publisher): Promise<void> {
    this.#connected('unpublish()');
    this.#membership.media.unpublish(publisher);
  }

  /**
   * Receives a stream. With a target, its video is in the page when this returns. A stream has one subscriber: one that it
   * had before is unsubscribed.
   * @param target an element or its id; without one, use `subscriber.addVideoElement`
   * @param done called when the stream has arrived, or with the error why it does not
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; GENERIC_ERROR when the page has no such element; BROWSER_NOT_SUPPORTED
   *   outside of a browser
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
   * Like `subscribe`, resolving when the stream has arrived.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; BROWSER_NOT_SUPPORTED; GENERIC_ERROR (`code` has the server's word)
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
   * Receives a stream no longer. The videos that the SDK made for it go.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async unsubscribe(subscriber: Subscriber): Promise<void> {
    this.#connected('unsubscribe()');
    this.#membership.media.unsubscribe(subscriber);
  }

  /**
   * Sends a message. It arrives once at everyone it is for, the sender among them, or the promise rejects. It resolves when all
   * have got it; for those who have been away for two seconds it is kept by the servers until they are back, or have left.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; GENERIC_ERROR (`code` has the server's word)
   */
  signal(signal: SignalOptions): Promise<void> {
    return this.#ask('signal()', 'signal', () => {
      this.#said += 1;
      return signalRequest(randomText(12), this.#said, signal);
    });
  }

  /**
   * Puts a participant out: its client is told `sessionDisconnected`, the others `connectionDestroyed`, both with reason
   * `forceDisconnectByUser`. For a `MODERATOR`.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; GENERIC_ERROR (`code` has the server's word)
   */
  async forceDisconnect(connection: Connection): Promise<void> {
    this.#permitted('forceDisconnect');
    await this.#ask('forceDisconnect()', 'forceDisconnect', () => ({ connectionId: connection.connectionId }));
  }

  /**
   * Ends a participant's stream: its publisher and the others are told `streamDestroyed` with reason `forceUnpublishByUser`.
   * For a `MODERATOR`.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED; OPENVIDU_PERMISSION_DENIED; GENERIC_ERROR (`code` has the server's word)
   */
  async forceUnpublish(stream: Stream): Promise<void> {
    this.#permitted('forceUnpublish');
    await this.#ask('forceUnpublish()', 'forceUnpublish', () => ({ streamId: stream.streamId }));
  }

  /** Tries at once to come back instead of waiting for the next attempt. */
  reconnectNow(): void {
    this.#membership.lifecycle.reconnectNow();
  }

  /** @internal Makes new transports for all that is sent and received. */
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

  /** `params` are asked for when the session is there: after a rebuild, ids are others. */
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
    // Before anything has begun that would have to be undone.
    const element = target && findTarget(target);
    if (stream.manager instanceof Subscriber) this.#membership.media.unsubscribe(stream.manager);
    const subscriber = this.#membership.makeSubscriber(stream, properties);
    if (element) subscriber.createVideoElement(element, properties.insertMode);
    // What is being rebuilt plays when it is back.
    if (this.state !== 'rebuilding') void this.#membership.media.play(subscriber);
    return subscriber;
  }
}
worksInProxies(Session);
