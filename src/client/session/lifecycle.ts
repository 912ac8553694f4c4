import { EventEmitter } from 'eventemitter3';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Snapshot, WelcomeFrame } from '../../protocol/frames.ts';
import { randomText, type SessionId, type UniqueSessionId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { LeaveReason } from '../../protocol/model.ts';
import { parseTokenUrl, type TokenUrl } from '../../protocol/token-url.ts';
import { notConnected, RejoinError } from '../errors.ts';
import type { Request } from '../media/media-plane.ts';
import { delayBefore, longestDelay } from '../signaling/backoff.ts';
import { Pause } from '../signaling/pause.ts';
import { Signaling } from '../signaling/signaling.ts';
import type { Attempt, LifecycleEvents } from './lifecycle-events.ts';
import { causeOfLoss } from './loss.ts';
import { type PageEvent, PageLife } from './page-life.ts';
import { Patience } from './patience.ts';
import { connectFailed, meaningOf, notJoined, reasonOf, TOKENS_TRIED } from './refusal.ts';
import type { SessionOptions } from './session-options.ts';
import { type SessionEffect, type SessionInput, type SessionState, transition } from './session-state.ts';
import { TokenFailure, type TokenProvider, TokenSource } from './token-source.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const SDK = 'rejoin-js/0.1.0';

/** Data of an input, for its effects. */
interface Detail {
  readonly welcome?: WelcomeFrame;
  readonly token?: TokenUrl;
  readonly reason?: LeaveReason;
  readonly error?: Error;
  readonly cause?: string;
}

/**
 * Joins the session and stays in it: drives the state table with inputs from the server, the token source and timers.
 */
export class Lifecycle extends EventEmitter<LifecycleEvents> {
  readonly #options: SessionOptions;
  /** Keys of the streams to publish again in the next life. */
  readonly #streams: () => readonly string[];
  #signaling: Signaling;
  readonly #pause = new Pause();
  #state: SessionState = 'idle';
  #sessionId: SessionId | undefined;
  #source: TokenSource | undefined;
  #metadata = '';
  /** Counts token requests, so that an outdated answer is dropped. */
  #round = 0;
  #attempt = 0;
  /** `performance.now()` of the first of these attempts. */
  #tryingSince = 0;
  #cause = '';
  /** The last failure of an attempt to join or return. */
  #lastError: Error | undefined;
  /** The URLs of the last token; empty without one. */
  #tried = '';
  #troubleSince = 0;
  #uniqueSessionId: UniqueSessionId | undefined;
  /** How long others wait for this client. */
  #resumeGraceMs: number = LIMITS.resumeGraceMs;
  readonly #patience = new Patience(Date.now);
  readonly #page = new PageLife((event) => this.#followPage(event));
  #connecting: { resolve: () => void; reject: (error: RejoinError) => void } | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(options: SessionOptions, streams: () => readonly string[] = () => []) {
    super();
    this.#options = options;
    this.#streams = streams;
    this.#signaling = this.#listen();
  }

  get state(): SessionState {
    return this.#state;
  }

  get sessionId(): SessionId | undefined {
    return this.#sessionId;
  }

  /** `performance.now()` at the beginning of the present failure, or of the last. */
  get troubleSince(): number {
    return this.#troubleSince;
  }

  /** Changes with every life of the session. */
  get life(): number {
    return this.#round;
  }

  readonly request: Request = (method, data) => this.#signaling.request(method, data);

  /** @throws {RejoinError} TOKEN_INVALID, CONNECT_FAILED; always settles */
  connect(token: string | TokenProvider, metadata: string): Promise<void> {
    if (!transition(this.#state, 'connect')) {
      const error = new RejoinError(
        'CONNECT_FAILED',
        `The session is ${this.#state} already.`,
        'Call disconnect() before connecting again, or use another session object.',
      );
      return Promise.reject(error);
    }
    if (!('WebSocket' in globalThis)) {
      return Promise.reject(new RejoinError('BROWSER_NOT_SUPPORTED', 'There is no WebSocket.', 'Use a browser.'));
    }
    const limitMs = this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#source = new TokenSource(token, limitMs);
    // Set at once, because applications read it directly after calling connect().
    if (typeof token === 'string') this.#sessionId = parseTokenUrl(token)?.sessionId ?? this.#sessionId;
    this.#lastError = undefined;
    this.#tried = '';
    this.#attempt = 0;
    this.#cause = '';
    this.#metadata = metadata;
    this.#page.start();
    return new Promise<void>((resolve, reject) => {
      this.#connecting = { resolve, reject };
      this.#limit(limitMs, () => this.#notJoinedIn(limitMs), true);
      this.#input('connect');
    });
  }

  disconnect(): void {
    const joining = this.#state === 'joining';
    const error = joining && notJoined('CONNECT_CANCELLED', 'disconnect() was called before the session was joined.');
    this.#input('disconnect', { reason: 'disconnect', ...(error ? { error } : {}) });
  }

  reconnectNow(): void {
    this.#pause.skip();
    this.#signaling.reconnectNow();
  }

  #listen(): Signaling {
    const signaling = new Signaling({
      policy: this.#options.retry ?? {},
      random: Math.random,
      now: Date.now,
      isOffline: () => this.#page.isOffline,
      sdk: SDK,
    });
    signaling.on('welcome', (welcome) => {
      const tookOver = welcome.resumed && welcome.snapshot !== undefined;
      this.#input(tookOver ? 'takenOver' : 'welcome', { welcome });
    });
    signaling.on('lost', (code) => {
      this.#input('lost', { cause: this.#page.isOffline ? 'offline' : causeOfLoss(code) });
    });
    signaling.on('late', () => this.#followPage('check'));
    signaling.on('destroyed', () => this.#input(this.#source?.isRenewable ? 'destroyed' : 'crashed'));
    signaling.on('impossible', (url, cause) => {
      // Repeat the action in the message, because many applications show only that.
      const action =
        'A page from https:// needs wss://: start the cluster with --public-url https://..., or correct the URL.';
      const message = `The browser opens no socket to ${url}: ${cause} ${action}`;
      const error = new RejoinError('CONNECT_FAILED', message, action, { cause });
      this.#input('refused', { error, reason: 'networkDisconnect' });
    });
    signaling.on('refused', (error) => this.#refused(error));
    signaling.on('event', (frame) => {
      if (frame.event === 'evicted') {
        const { reason } = frame.data;
        this.#input('evicted', { reason, ...(this.#state === 'joining' ? { error: new Error(reason) } : {}) });
      } else this.emit('event', frame);
    });
    signaling.on('retrying', (attempt, nextDelayMs) => {
      const cause = this.#cause;
      if (this.#state === 'reconnecting') this.emit('reconnecting', { cause, attempt, nextDelayMs });
      if (attempt > 1) this.#joining({ cause, attempt, nextDelayMs });
      // The token's own attempt has announced the first one.
      if (this.#state !== 'rebuilding' || attempt === 1) return;
      this.#attempt += 1;
      this.emit('rebuilding', { cause, attempt: this.#attempt, nextDelayMs });
    });
    return signaling;
  }

  #followPage(event: PageEvent): void {
    switch (event) {
      case 'gone':
        // Tell the others now; otherwise they learn it only after the grace period.
        return this.#signaling.sayLast();
      case 'suspended':
        this.emit('suspended');
        return this.#signaling.suspend();
      case 'offline':
        return this.#signaling.probe();
      case 'resumed':
        this.emit('resumed');
        this.#signaling.wake();
        break;
      case 'check':
      case 'online':
        this.#signaling.probe();
        break;
    }
    this.reconnectNow();
    this.emit('mediaDoubted', event === 'online');
  }

  /**
   * Resolves when the session is joined. While it reconnects, requests wait in the queue, so the promise resolves at
   * once.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  joined(what: string): Promise<void> {
    if (this.#state === 'joined' || this.#state === 'reconnecting') return Promise.resolve();
    if (this.#state !== 'rebuilding') return Promise.reject(notConnected(what));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #input(input: SessionInput, detail: Detail = {}): void {
    const found = transition(this.#state, input);
    if (!found) return;
    // If the socket fails before the crash is known, the failure began with the socket.
    if (this.#state === 'joined') this.#troubleSince = performance.now();
    const before = this.#state;
    this.#state = found.next;
    if (detail.cause !== undefined) this.#cause = detail.cause;
    if (detail.error !== undefined) this.#lastError = detail.error;
    if (found.next !== before) this.emit('state', found.next, undefined);
    for (const effect of found.effects) {
      // Skip the remaining effects if a listener has left the session meanwhile.
      if (this.#state !== found.next) return;
      this.#effects[effect](detail);
    }
    if (found.next === 'joined') this.#settleWaiting();
    else if (found.next === 'ended') this.#settleWaiting(notConnected('This'));
  }

  readonly #effects: Readonly<Record<SessionEffect, (detail: Detail) => void>> = {
    fetchToken: (detail) => void this.#fetchToken(detail),
    sendJoin: ({ token }) => this.#sendJoin(token),
    startSession: ({ welcome }) => {
      this.emit('started', this.#begin(welcome));
      this.#connecting?.resolve();
      this.#connecting = undefined;
    },
    rebuildSession: ({ welcome }) => {
      const sameSession = welcome?.uniqueSessionId === this.#uniqueSessionId;
      this.emit('renewed', this.#begin(welcome), sameSession);
    },
    reconcile: ({ welcome }) => {
      if (welcome?.snapshot) this.emit('reconciled', welcome.snapshot);
    },
    announceReconnecting: () => {
      this.#lastError = undefined;
      this.#limitComeback('not reconnected in time');
    },
    announceReconnected: () => {
      this.#patience.stop();
      this.emit('reconnected', Math.round(performance.now() - this.#troubleSince));
    },
    announceDestroyed: () => {
      this.#attempt = 0;
      this.#cause = 'nodeCrashed';
      this.#lastError = undefined;
      this.#limitComeback('not rebuilt in time');
      this.emit('destroyed');
    },
    loseSession: ({ error }) => {
      this.#attempt = 0;
      this.#cause = (error as ProtocolError).reason === 'outboxOverflow' ? 'outboxOverflow' : 'awayTooLong';
      this.#limitComeback('not rebuilt in time');
      this.emit('lapsed');
    },
    announceDisconnected: ({ reason, error }) => void this.emit('disconnected', reason ?? 'nodeCrashed', error),
    rejectConnect: ({ error }) => {
      this.#connecting?.reject(connectFailed(error));
      this.#connecting = undefined;
    },
    sayGoodbye: () => {
      this.#signaling.leave(this.#resumeGraceMs);
      this.#signaling = this.#listen();
    },
    closeSocket: () => {
      this.#round += 1;
      this.#page.stop();
      this.#patience.stop();
      this.#pause.skip();
      this.#signaling.close(new ProtocolError('SESSION_CLOSED'));
    },
  };

  /** Handles a welcome that begins a life of the session. */
  #begin(welcome: WelcomeFrame | undefined): Snapshot {
    this.#patience.stop();
    if (!welcome?.snapshot) throw new Error('A welcome to a join has a snapshot.');
    this.#sessionId = welcome.sessionId;
    this.#uniqueSessionId = welcome.uniqueSessionId;
    this.#resumeGraceMs = welcome.resumeGraceMs;
    this.#attempt = 0;
    return welcome.snapshot;
  }

  #sendJoin(token: TokenUrl | undefined): void {
    if (!token) return;
    const { sessionId, base } = token;
    const urls = this.#options.urls ?? [base];
    this.#tried = urls.join(' ');
    this.#lastError = undefined;
    const place = this.#state === 'rebuilding' ? this.#signaling.lastPlace : undefined;
    const previous = place && {
      uniqueSessionId: place.uniqueSessionId,
      connectionId: place.connectionId,
      resumeKey: place.resumeKey,
      streams: this.#streams(),
    };
    this.#signaling.join(
      {
        sessionId,
        token: token.token,
        key: randomText(16),
        metadata: this.#metadata,
        ...(previous ? { previous } : {}),
      },
      urls,
    );
  }

  #joining(progress: Attempt): void {
    if (this.#state === 'joining') this.emit('state', 'joining', progress);
  }

  /** The error for a join that timed out. */
  #notJoinedIn(ms: number): Error {
    const error = this.#lastError;
    if (!this.#tried) return notJoined('TOKEN_UNAVAILABLE', `No token in ${ms} ms: ${error?.message ?? ''}`, error);
    if (error) return error;
    return notJoined('SERVER_UNREACHABLE', `${this.#tried} did not answer in ${ms} ms. ${this.#cause}`);
  }

  async #fetchToken({ error }: Detail): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.#attempt += 1;
    if (this.#attempt === 1) this.#tryingSince = performance.now();
    const rebuilding = this.#state === 'rebuilding';
    if (error) this.#cause = error.message;
    const nextDelayMs = this.#nextDelay(rebuilding);
    const progress = { cause: this.#cause, attempt: this.#attempt, nextDelayMs };
    if (rebuilding) this.emit('rebuilding', progress);
    else if (this.#attempt > 1) this.#joining(progress);
    await this.#pause.wait(nextDelayMs);
    if (round !== this.#round || !this.#source) return;
    try {
      const token = await this.#source.next();
      if (round === this.#round) this.#input('token', { token });
    } catch (failure) {
      if (round !== this.#round) return;
      // During a rebuild, an invalid token is probably the error page of an overloaded server, so try again.
      const invalid = failure instanceof TokenFailure && failure.cause instanceof RejoinError;
      const missing = !rebuilding && this.#attempt >= TOKENS_TRIED;
      const final =
        failure instanceof TokenFailure &&
        ((failure.final && !(rebuilding && invalid)) || (failure.isNotFound && missing));
      const cause = failure instanceof TokenFailure && failure.cause instanceof RejoinError ? failure.cause : failure;
      this.#input(final ? 'refused' : 'tokenFailed', { error: cause as Error, reason: 'nodeCrashed' });
    }
  }

  #nextDelay(rebuilding: boolean): number {
    const policy = this.#options.retry ?? {};
    if (!rebuilding && this.#attempt === 1) return 0;
    if (this.#page.isOffline) return longestDelay(policy, Math.random);
    const troubleMs = performance.now() - this.#tryingSince;
    return delayBefore(this.#attempt, { spreadMs: this.#signaling.spreadMs, ...policy }, Math.random, troubleMs);
  }

  #refused(error: ProtocolError): void {
    const state = this.#state;
    const meaning = meaningOf(error, {
      state,
      renewable: this.#source?.isRenewable === true,
      tokensAsked: this.#attempt,
    });
    if (meaning !== 'refused') return this.#input(meaning, { error });
    if (state === 'joined') this.emit('failed', error);
    this.#input('refused', { error, reason: reasonOf(error, state) });
  }

  #limitComeback(what: string): void {
    this.#patience.stop();
    const { giveUpAfterMs } = this.#options.retry ?? {};
    if (giveUpAfterMs === undefined) return;
    this.#limit(giveUpAfterMs, () => {
      const last = this.#lastError?.message ?? this.#cause;
      return new Error(`${what} (${giveUpAfterMs} ms)${last ? `; last: ${last}` : ''}`, { cause: this.#lastError });
    });
  }

  /** `again`: a slow link gets the same time once more. */
  #limit(ms: number, why: () => Error, again = false): void {
    const over = (): void => {
      if (again && this.#signaling.isSlow) return this.#limit(ms, why);
      const reason: LeaveReason = this.#state === 'rebuilding' ? 'nodeCrashed' : 'networkDisconnect';
      this.#input('gaveUp', { reason, error: why() });
    };
    this.#patience.start(ms, { lastAttempt: () => this.reconnectNow(), over });
  }

  #settleWaiting(error?: Error): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
  }
}
