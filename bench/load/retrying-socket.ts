import { WebSocket } from 'ws';
import { delayBefore } from '../../src/client/signaling/backoff.ts';
import { afterClose } from '../../src/protocol/close-codes.ts';

/** Same as the SDK's: time for a socket to open before the next attempt. */
const OPEN_TIMEOUT_MS = 4_000;

export interface RetryingSocketEvents {
  open(): void;
  message(text: string): void;
  /** It has closed or has not opened; it reconnects by itself. */
  lost(): void;
  /** The server has closed it for good. */
  ended(code: number): void;
}

/** A socket that reconnects at the same times as the SDK's, but is cheap enough for thousands in one process. */
export class RetryingSocket {
  readonly #url: string;
  readonly #events: RetryingSocketEvents;
  #ws: WebSocket | undefined;
  #attempt = 0;
  #lostAt = 0;
  #spreadMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, events: RetryingSocketEvents) {
    this.#url = url;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN;
  }

  open(): void {
    const ws = new WebSocket(this.#url, { perMessageDeflate: false, handshakeTimeout: OPEN_TIMEOUT_MS });
    this.#ws = ws;
    ws.on('open', () => this.#events.open());
    ws.on('message', (data) => this.#events.message(String(data)));
    // 'close' follows.
    ws.on('error', () => {});
    ws.on('close', (code) => {
      if (this.#ws === ws) this.#lost(code);
    });
  }

  send(text: string): void {
    if (this.isOpen) this.#ws?.send(text);
  }

  /** The attempt succeeded, so the next loss counts from 1. */
  succeeded(spreadMs?: number): void {
    this.#attempt = 0;
    this.#spreadMs = spreadMs;
  }

  /** Gives up a socket that is open but dead. */
  restart(): void {
    const ws = this.#ws;
    if (!ws) return;
    this.#lost(1006);
    ws.terminate();
  }

  close(): void {
    clearTimeout(this.#timer);
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.terminate();
  }

  #lost(code: number): void {
    this.#ws = undefined;
    if (afterClose(code) === 'stop') return this.#events.ended(code);
    this.#events.lost();
    this.#attempt += 1;
    if (this.#attempt === 1) this.#lostAt = performance.now();
    const troubleMs = performance.now() - this.#lostAt;
    const policy = this.#spreadMs === undefined ? {} : { spreadMs: this.#spreadMs };
    this.#timer = setTimeout(() => this.open(), delayBefore(this.#attempt, policy, Math.random, troubleMs));
  }
}
