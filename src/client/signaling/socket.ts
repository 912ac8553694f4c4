import ReconnectingWebSocket from 'reconnecting-websocket';
import { delayBefore, type RetryPolicy } from './backoff.ts';
import { Pause } from './pause.ts';

/** How long a socket may take to open before the next attempt. */
const OPEN_TIMEOUT_MS = 4_000;
/** Said when a half-open socket is given up by this side; never sent, as the other side does not hear. */
const HALF_OPEN_CODE = 4998;

export interface SocketEvents {
  /** Before every attempt. `attempt` counts from 1 since the last success; `delayMs` is waited first. */
  waiting(attempt: number, delayMs: number): void;
  open(): void;
  message(text: string): void;
  /** The socket has closed, or has not opened. It comes back by itself unless `close()` is called in here. */
  lost(code: number): void;
}

export interface SocketOptions {
  readonly policy: RetryPolicy;
  readonly random: () => number;
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
  /** The first attempt of all is made at once: nothing has happened that others could be in step with. */
  #fresh = true;
  #spreadMs: number | undefined;

  constructor(options: SocketOptions, events: SocketEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#rws?.readyState === ReconnectingWebSocket.OPEN;
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
    this.#fresh = true;
    const rws: ReconnectingWebSocket = new ReconnectingWebSocket(() => this.#provide(rws), [], {
      minReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
      minUptime: 0,
      connectionTimeout: OPEN_TIMEOUT_MS,
      maxEnqueuedMessages: 0,
      startClosed: true,
      ...(this.#options.WebSocket ? { WebSocket: this.#options.WebSocket } : {}),
    });
    this.#rws = rws;
    // Words of a socket that has been replaced are dropped.
    const current = (handle: () => void): void => {
      if (this.#rws === rws) handle();
    };
    rws.addEventListener('open', () => current(() => this.#events.open()));
    rws.addEventListener('message', ({ data }) => current(() => this.#events.message(String(data))));
    rws.addEventListener('close', ({ code }) => current(() => this.#events.lost(code)));
    rws.reconnect();
  }

  /** What is sent without an open socket is lost: the caller keeps what matters. */
  send(text: string): void {
    if (this.isOpen) this.#rws?.send(text);
  }

  /** An attempt has led to something: the next loss counts from 1. `spreadMs`: the server's wish for the first wait. */
  succeeded(spreadMs: number): void {
    this.#attempt = 0;
    this.#fresh = false;
    this.#spreadMs = spreadMs;
  }

  /** Tries at once instead of waiting. */
  reconnectNow(): void {
    this.#pause.skip();
  }

  /** Gives up a socket that is open and dead, without waiting for the browser to agree. */
  restart(): void {
    this.#rws?.reconnect(HALF_OPEN_CODE);
  }

  close(code = 1000, reason = ''): void {
    const rws = this.#rws;
    this.#rws = undefined;
    this.#pause.skip();
    rws?.close(code, reason);
  }

  /** Never rejects: reconnecting-websocket does not survive it. */
  async #provide(rws: ReconnectingWebSocket): Promise<string> {
    if (this.#rws !== rws) return '';
    this.#attempt += 1;
    const { policy, random } = this.#options;
    const spread = policy.spreadMs ?? this.#spreadMs;
    const delay =
      this.#fresh && this.#attempt === 1
        ? 0
        : delayBefore(this.#attempt, spread === undefined ? policy : { ...policy, spreadMs: spread }, random);
    this.#events.waiting(this.#attempt, delay);
    await this.#pause.wait(delay);
    const url = this.#urls[this.#nextUrl % this.#urls.length] ?? '';
    this.#nextUrl += 1;
    return url;
  }
}
