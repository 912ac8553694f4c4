import { EventEmitter } from 'eventemitter3';
import { ProtocolError } from '../../protocol/errors.ts';
import type { EventFrame, Snapshot, WelcomeFrame } from '../../protocol/frames.ts';
import { randomText, type SessionId } from '../../protocol/ids.ts';
import type { LeaveReason } from '../../protocol/model.ts';
import type { TokenUrl } from '../../protocol/token-url.ts';
import { notConnected, RejoinError } from '../errors.ts';
import type { Request } from '../media/media-plane.ts';
import { delayBefore } from '../signaling/backoff.ts';
import { Pause } from '../signaling/pause.ts';
import { Signaling } from '../signaling/signaling.ts';
import type { SessionOptions } from './session-options.ts';
import { type SessionEffect, type SessionInput, type SessionState, transition } from './session-state.ts';
import { TokenFailure, type TokenProvider, TokenSource } from './token-source.ts';

/** One attempt to come back, before its wait. */
export interface Attempt {
  readonly cause: string;
  /** From 1. */
  readonly attempt: number;
  readonly nextDelayMs: number;
}

export interface LifecycleEvents {
  started: [Snapshot];
  /** Another owner has taken over: this is the session as it has it. */
  reconciled: [Snapshot];
  /** The session begins another life, after a crash. */
  renewed: [Snapshot];
  reconnecting: [Attempt];
  reconnected: [durationMs: number];
  destroyed: [];
  rebuilding: [Attempt];
  disconnected: [LeaveReason];
  event: [EventFrame];
  /** The server has ended it with an error. */
  failed: [ProtocolError];
}

const CONNECT_TIMEOUT_MS = 15_000;
const SDK = 'rejoin-js/0.1.0';

/** Codes of a refused hello that another token may help against. */
const SESSION_OVER: readonly string[] = ['SESSION_UNKNOWN', 'SESSION_DESTROYED', 'SESSION_CLOSED'];
const TOKEN_BAD: readonly string[] = ['TOKEN_UNKNOWN', 'TOKEN_USED'];

/** What closed the socket, for those codes that say more than that it closed. */
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
}

/** Gets into the session and stays in it: drives the state table with what the server, the token source and time bring. */
export class Lifecycle extends EventEmitter<LifecycleEvents> {
  readonly #options: SessionOptions;
  readonly #signaling: Signaling;
  readonly #pause = new Pause();
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
  #troubleSince = 0;
  #giveUpTimer: ReturnType<typeof setTimeout> | undefined;
  #connecting: { resolve: () => void; reject: (error: RejoinError) => void } | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(options: SessionOptions) {
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
    this.#signaling.on('event', (frame) => {
      if (frame.event === 'evicted') {
        const { reason } = frame.data;
        this.#input('evicted', { reason, error: new Error(reason) });
      } else this.emit('event', frame);
    });
    this.#signaling.on('retrying', (attempt, nextDelayMs) => {
      if (this.#state === 'reconnecting') this.emit('reconnecting', { cause: this.#cause, attempt, nextDelayMs });
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  get sessionId(): SessionId | undefined {
    return this.#sessionId;
  }

  /** `performance.now()` of the first word of the trouble that is being got over, or was last. */
  get troubleSince(): number {
    return this.#troubleSince;
  }

  /** A number that changes with every life of the session. */
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
    this.#source = new TokenSource(token);
    this.#lastError = undefined;
    this.#metadata = metadata;
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
    return new Promise<void>((resolve, reject) => {
      this.#connecting = { resolve, reject };
      this.#limit(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, 'no answer in time');
      this.#input('connect');
    });
  }

  /** The page is going away for good: others learn it now instead of when the grace is over. */
  readonly #onPageHide = (event: PageTransitionEvent): void => {
    if (!event.persisted && this.#state === 'joined') this.#effects.sayGoodbye({});
  };

  disconnect(): void {
    this.#input('disconnect', { reason: 'disconnect', error: new Error('disconnect() was called') });
  }

  reconnectNow(): void {
    this.#pause.skip();
    this.#signaling.reconnectNow();
  }

  /**
   * Resolves when the session is joined. What is asked of one that reconnects is sent when it has.
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
    // Who has lost its socket with its owner is in trouble since then.
    if (this.#state === 'joined') this.#troubleSince = performance.now();
    this.#state = found.next;
    if (detail.cause !== undefined) this.#cause = detail.cause;
    if (detail.error !== undefined) this.#lastError = detail.error;
    for (const effect of found.effects) {
      // An application that leaves in the middle of an event has the last word.
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
    rebuildSession: ({ welcome }) => void this.emit('renewed', this.#begin(welcome)),
    reconcile: ({ welcome }) => {
      if (welcome?.snapshot) this.emit('reconciled', welcome.snapshot);
    },
    announceReconnecting: () => this.#limitComeback('not reconnected in time'),
    announceReconnected: () => {
      clearTimeout(this.#giveUpTimer);
      this.emit('reconnected', Math.round(performance.now() - this.#troubleSince));
    },
    announceDestroyed: () => {
      this.#attempt = 0;
      this.#cause = 'nodeCrashed';
      this.#limitComeback('not rebuilt in time');
      this.emit('destroyed');
    },
    announceDisconnected: ({ reason }) => void this.emit('disconnected', reason ?? 'nodeCrashed'),
    rejectConnect: ({ error }) => {
      this.#connecting?.reject(connectFailed(error));
      this.#connecting = undefined;
    },
    sayGoodbye: () => void this.#signaling.request('leave', {}).catch(() => {}),
    closeSocket: () => {
      this.#round += 1;
      globalThis.removeEventListener?.('pagehide', this.#onPageHide);
      clearTimeout(this.#giveUpTimer);
      this.#pause.skip();
      this.#signaling.close(new ProtocolError('SESSION_CLOSED'));
    },
  };

  /** A welcome that begins a life of the session. */
  #begin(welcome: WelcomeFrame | undefined): Snapshot {
    clearTimeout(this.#giveUpTimer);
    if (!welcome?.snapshot) throw new Error('A welcome to a join has a snapshot.');
    this.#sessionId = welcome.sessionId;
    this.#attempt = 0;
    return welcome.snapshot;
  }

  #sendJoin(token: TokenUrl | undefined): void {
    if (!token) return;
    const { sessionId, origin } = token;
    const place = this.#state === 'rebuilding' ? this.#signaling.lastPlace : undefined;
    const previous = place && {
      uniqueSessionId: place.uniqueSessionId,
      connectionId: place.connectionId,
      resumeKey: place.resumeKey,
    };
    this.#signaling.join(
      {
        sessionId,
        token: token.token,
        key: randomText(16),
        metadata: this.#metadata,
        ...(previous ? { previous } : {}),
      },
      this.#options.urls ?? [origin],
    );
  }

  async #fetchToken({ error }: Detail): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.#attempt += 1;
    const rebuilding = this.#state === 'rebuilding';
    if (error) this.#cause = error.message;
    const first = !rebuilding && this.#attempt === 1;
    const nextDelayMs = first ? 0 : delayBefore(this.#attempt, this.#options.retry ?? {}, Math.random);
    if (rebuilding) this.emit('rebuilding', { cause: this.#cause, attempt: this.#attempt, nextDelayMs });
    await this.#pause.wait(nextDelayMs);
    if (round !== this.#round || !this.#source) return;
    try {
      const token = await this.#source.next();
      if (round === this.#round) this.#input('token', { token });
    } catch (failure) {
      if (round !== this.#round) return;
      // What is no token may be the error page of a server that is as busy as everyone else just now.
      const invalid = failure instanceof TokenFailure && failure.cause instanceof RejoinError;
      const final = failure instanceof TokenFailure && failure.final && !(rebuilding && invalid);
      const cause = failure instanceof TokenFailure && failure.cause instanceof RejoinError ? failure.cause : failure;
      this.#input(final ? 'refused' : 'tokenFailed', { error: cause as Error, reason: 'nodeCrashed' });
    }
  }

  #refused(error: ProtocolError): void {
    const rebuilding = this.#state === 'rebuilding';
    const helped = SESSION_OVER.includes(error.code) || (rebuilding && TOKEN_BAD.includes(error.code));
    if (helped && this.#source?.isRenewable && (rebuilding || this.#state === 'joining')) {
      return this.#input('tokenFailed', { error });
    }
    if (this.#state === 'joined') this.emit('failed', error);
    const reason: LeaveReason = error.code === 'SESSION_CLOSED' ? 'sessionClosedByServer' : 'networkDisconnect';
    this.#input('refused', { error, reason: rebuilding ? 'nodeCrashed' : reason });
  }

  #limitComeback(what: string): void {
    clearTimeout(this.#giveUpTimer);
    const { giveUpAfterMs } = this.#options.retry ?? {};
    if (giveUpAfterMs !== undefined) this.#limit(giveUpAfterMs, what);
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

  #settleWaiting(error?: Error): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
  }
}

function connectFailed(error: Error | undefined): RejoinError {
  if (error instanceof RejoinError) return error;
  const known = error instanceof ProtocolError ? error : undefined;
  return new RejoinError(
    'CONNECT_FAILED',
    `The session could not be joined: ${error?.message ?? 'it has crashed'}`,
    known?.action ?? 'Try again with a new token.',
    { cause: error, ...(known ? { code: known.code } : {}) },
  );
}
