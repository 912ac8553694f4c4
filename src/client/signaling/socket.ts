import ReconnectingWebSocket from 'reconnecting-websocket';
import { DEFAULT_RETRY, delayBefore, longestDelay, type RetryPolicy } from './backoff.ts';
import { Pause } from './pause.ts';

/** How long a socket may take to open before the next attempt: the first one, and any. */
const OPEN_TIMEOUT_MS = 4_000;
const LONGEST_OPEN_MS = 32_000;
/** So many times more patient than the first attempt is the last. */
const MOST_PATIENCE = 8;
/** Said when a half-open socket is given up by this side; never sent, as the other side does not hear. */
export const HALF_OPEN_CODE = 4998;
/** Said when the page is about to be frozen or stored: the server knows at once that nobody listens. */
export const SUSPENDED_CODE = 4997;

export interface SocketEvents {
  /** Before every attempt. `attempt` counts from 1 since the last success; `delayMs` is waited first. */
  waiting(attempt: number, delayMs: number): void;
  open(): void;
  message(text: string): void;
  /** The socket has closed, or has not opened. It comes back by itself unless `close()` is called in here. */
  lost(code: number): void;
  /** The browser does not even try any URL of the list, of which this is the last. */
  impossible(url: string, cause: unknown): void;
}

export interface SocketOptions {
  readonly policy: RetryPolicy;
  readonly random: () => number;
  /** Whether there is no network, as far as is known: attempts are made, but rarely. */
  readonly isOffline: () => boolean;
  readonly WebSocket?: unknown;
}

/**
 * A socket that comes back. reconnecting-websocket does the coming back; when and where to is decided here, in the URL
 * provider that it awaits before each attempt: its own delays are 0 and its own queue holds nothing, so that nothing
 * is sent before we have resumed. Every `open()` makes a new one, as one that was closed early cannot be used again.
 */
export class Socket {
  readonly #options: SocketOptions;
  readonly #events: SocketEvents;
  readonly #pause = new Pause();
  #rws: ReconnectingWebSocket | undefined;
  #urls: readonly string[] = [];
  #nextUrl = 0;
  #attempt = 0;
  /** `performance.now()` when the first of the attempts was due. */
  #troubleSince = 0;
  #startedAt = 0;
  #openedInMs = 0;
  /** The first attempt of all is made at once: nothing has happened that others could be in step with. */
  #fresh = true;
  /** The server's wish for the width of the wait before a first attempt, ms. */
  spreadMs: number = DEFAULT_RETRY.spreadMs;
  /** While the page is suspended: no attempt is made before `wake`. */
  #sleep: { readonly over: Promise<void>; readonly wake: () => void } | undefined;

  constructor(options: SocketOptions, events: SocketEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** How patient this attempt is with its answer: the large welcome of a slow path must not begin anew for ever. */
  get patience(): number {
    return Math.min(MOST_PATIENCE, 2 ** Math.max(0, this.#attempt - 1));
  }

  /** How long the last socket took to open: as many round trips as TCP, TLS and the upgrade take, at least two. */
  get openedInMs(): number {
    return this.#openedInMs;
  }

  get isOpen(): boolean {
    return this.#rws?.readyState === ReconnectingWebSocket.OPEN;
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  get isStarted(): boolean {
    return this.#rws !== undefined;
  }

  /** Begins to connect, to one URL of the list after the other. */
  open(urls: readonly string[]): void {
    this.close();
    this.#urls = urls;
    this.#nextUrl = 0;
    this.#attempt = 0;
    // A path that is not known may be slow. Where there is another one, that is tried before this is sure.
    this.#openedInMs = urls.length > 1 ? 0 : OPEN_TIMEOUT_MS;
    this.#fresh = true;
    const openTimeout = (): number => this.#openTimeout();
    const options = {
      minReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
      minUptime: 0,
      // Read before each attempt.
      get connectionTimeout() {
        return openTimeout();
      },
      maxEnqueuedMessages: 0,
      startClosed: true,
      WebSocket: this.#guarded(),
    };
    const provide = (): Promise<string> => this.#provide(rws);
    const rws: ReconnectingWebSocket = new ReconnectingWebSocket(provide, [], options);
    this.#rws = rws;
    // Words of a socket that has been replaced are dropped.
    const current = (handle: () => void): void => {
      if (this.#rws === rws) handle();
    };
    rws.addEventListener('open', () =>
      current(() => {
        this.#openedInMs = performance.now() - this.#startedAt;
        this.#events.open();
      }),
    );
    rws.addEventListener('message', ({ data }) => current(() => this.#events.message(String(data))));
    rws.addEventListener('close', ({ code }) => current(() => this.#events.lost(code)));
    rws.reconnect();
  }

  /** A path on which everything takes long is slow, and not dead. */
  #openTimeout(): number {
    const doubled = this.#fresh ? this.#attempt : Math.max(1, this.#attempt);
    return Math.min(LONGEST_OPEN_MS, OPEN_TIMEOUT_MS * 2 ** doubled + 3 * this.#openedInMs);
  }

  /** What is sent without an open socket is lost: the caller keeps what matters. */
  send(text: string): void {
    if (this.isOpen) this.#rws?.send(text);
  }

  /** An attempt has led to something: the next loss counts from 1. */
  succeeded(): void {
    this.#attempt = 0;
    this.#fresh = false;
  }

  /** Tries at once instead of waiting. */
  reconnectNow(): void {
    this.#pause.skip();
  }

  /** Gives up a socket that is open and dead, without waiting for the browser to agree. */
  restart(code = HALF_OPEN_CODE): void {
    this.#rws?.reconnect(code);
  }

  /** Closes the socket, and makes no other before `wake()`. */
  suspend(): void {
    if (this.#sleep || !this.#rws) return;
    let wake = (): void => {};
    const over = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#sleep = { over, wake };
    this.#pause.skip();
    if (this.isOpen) this.restart(SUSPENDED_CODE);
  }

  /** The page runs again: the next attempt is made at once. */
  wake(): void {
    this.#sleep?.wake();
    this.#sleep = undefined;
  }

  close(code = 1000, reason = ''): void {
    const rws = this.#rws;
    this.#rws = undefined;
    this.wake();
    this.#pause.skip();
    rws?.close(code, reason);
  }

  /** A WebSocket that never throws where it is made: reconnecting-websocket does not survive it. */
  #guarded(): unknown {
    const WebSocket = (this.#options.WebSocket ?? globalThis.WebSocket) as typeof globalThis.WebSocket;
    return new Proxy(WebSocket, {
      construct: (_target, [url]: [string]) => {
        try {
          return new WebSocket(url);
        } catch (error) {
          const dead = Object.assign(new EventTarget(), { close: () => {} });
          setTimeout(() => {
            // It never will, so the others get its turn.
            this.#urls = this.#urls.filter((one) => one !== url);
            if (this.#urls.length > 0) dead.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
            else if (this.#rws) this.#events.impossible(url, error);
          });
          return dead;
        }
      },
    });
  }

  /** Never rejects: reconnecting-websocket does not survive it. */
  async #provide(rws: ReconnectingWebSocket): Promise<string> {
    if (this.#rws !== rws) return '';
    this.#attempt += 1;
    if (this.#attempt === 1) this.#troubleSince = performance.now();
    const delay = this.#sleep ? 0 : this.#nextDelay();
    this.#events.waiting(this.#attempt, delay);
    await this.#pause.wait(delay);
    await this.#sleep?.over;
    const url = this.#urls[this.#nextUrl % this.#urls.length] ?? '';
    this.#nextUrl += 1;
    this.#startedAt = performance.now();
    return url;
  }

  #nextDelay(): number {
    const { policy, random, isOffline } = this.#options;
    if (this.#fresh && this.#attempt === 1) return 0;
    if (isOffline()) return longestDelay(policy, random);
    const troubleMs = performance.now() - this.#troubleSince;
    return delayBefore(this.#attempt, { spreadMs: this.spreadMs, ...policy }, random, troubleMs);
  }
}
