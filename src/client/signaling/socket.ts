import ReconnectingWebSocket from 'reconnecting-websocket';
import { DEFAULT_RETRY, delayBefore, longestDelay, type RetryPolicy } from './backoff.ts';
import { Pause } from './pause.ts';

/** Time for a socket to open before the next attempt: for the first attempt, and the maximum. */
const OPEN_TIMEOUT_MS = 4_000;
const LONGEST_OPEN_MS = 32_000;
/** Maximum of `patience`, as a multiple of the first attempt's. */
const MOST_PATIENCE = 8;
/** Local code for a half-open socket that this side gives up. Never sent, because the other side cannot receive it. */
export const HALF_OPEN_CODE = 4998;
/**
 * Local code before the page is frozen or cached. The close tells the server at once that the client does not listen.
 */
export const SUSPENDED_CODE = 4997;

export interface SocketEvents {
  /** Precedes every attempt. `attempt` counts from 1 since the last success; `delayMs` is the delay. */
  waiting(attempt: number, delayMs: number): void;
  open(): void;
  message(text: string): void;
  /** The socket has closed, or has not opened. It reconnects by itself unless the handler calls `close()`. */
  lost(code: number): void;
  /** The browser refuses to try every URL of the list; this is the last. */
  impossible(url: string, cause: unknown): void;
}

export interface SocketOptions {
  readonly policy: RetryPolicy;
  readonly random: () => number;
  /** Whether the browser reports no network. Attempts continue, but rarely. */
  readonly isOffline: () => boolean;
  readonly WebSocket?: unknown;
}

/**
 * A reconnecting socket. reconnecting-websocket reconnects, but this class decides when and where: the library awaits
 * our URL provider before each attempt. Its own delays are 0, and its queue stays empty, because nothing may precede
 * the resume. Every `open()` makes a new library object, because it cannot be reused after an early close.
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
  /** The very first attempt needs no delay, because no common failure synchronises the clients. */
  #fresh = true;
  /** The server's width of the delay before a first attempt, ms. */
  spreadMs: number = DEFAULT_RETRY.spreadMs;
  /** Set while the page is suspended; blocks attempts until `wake`. */
  #sleep: { readonly over: Promise<void>; readonly wake: () => void } | undefined;

  constructor(options: SocketOptions, events: SocketEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Factor for the time to answer. It grows so that a large welcome over a slow path does not start over forever. */
  get patience(): number {
    return Math.min(MOST_PATIENCE, 2 ** Math.max(0, this.#attempt - 1));
  }

  /** How long the last socket took to open: the round trips of TCP, TLS and the upgrade, at least two. */
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

  /** Starts connecting, to the URLs of the list in turn. */
  open(urls: readonly string[]): void {
    this.close();
    this.#urls = urls;
    this.#nextUrl = 0;
    this.#attempt = 0;
    // An unknown path may be slow, so wait longer. With several URLs, rather try the next one.
    this.#openedInMs = urls.length > 1 ? 0 : OPEN_TIMEOUT_MS;
    this.#fresh = true;
    const openTimeout = (): number => this.#openTimeout();
    const options = {
      minReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
      minUptime: 0,
      // The library reads this before each attempt.
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
    // Ignore events of a replaced socket.
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

  /** Grows with attempts and measured times, because a slow path is not a dead one. */
  #openTimeout(): number {
    const doubled = this.#fresh ? this.#attempt : Math.max(1, this.#attempt);
    return Math.min(LONGEST_OPEN_MS, OPEN_TIMEOUT_MS * 2 ** doubled + 3 * this.#openedInMs);
  }

  /** Drops the text unless the socket is open; the caller keeps important frames. */
  send(text: string): void {
    if (this.isOpen) this.#rws?.send(text);
  }

  /** The attempt succeeded, so the next loss counts from 1. */
  succeeded(): void {
    this.#attempt = 0;
    this.#fresh = false;
  }

  /** Cuts the delay short. */
  reconnectNow(): void {
    this.#pause.skip();
  }

  /** Gives up a socket that is open but dead, without waiting for the browser's close. */
  restart(code = HALF_OPEN_CODE): void {
    this.#rws?.reconnect(code);
  }

  /** Closes the socket, and opens no other before `wake()`. */
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

  /** The page runs again: makes the next attempt at once. */
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

  /** A WebSocket class whose constructor never throws, because reconnecting-websocket would stop for good. */
  #guarded(): unknown {
    const WebSocket = (this.#options.WebSocket ?? globalThis.WebSocket) as typeof globalThis.WebSocket;
    return new Proxy(WebSocket, {
      construct: (_target, [url]: [string]) => {
        try {
          return new WebSocket(url);
        } catch (error) {
          const dead = Object.assign(new EventTarget(), { close: () => {} });
          setTimeout(() => {
            // The browser will never accept this URL, so use only the others.
            this.#urls = this.#urls.filter((one) => one !== url);
            if (this.#urls.length > 0) dead.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
            else if (this.#rws) this.#events.impossible(url, error);
          });
          return dead;
        }
      },
    });
  }

  /** Never rejects, because reconnecting-websocket would stop for good. */
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
