import { now } from '../clock.ts';
import type { LoadClient } from './load-client.ts';
import { RetryingSocket } from './retrying-socket.ts';

/** A WebSocket that only reconnects. */
export class BareClient implements LoadClient {
  readonly #socket: RetryingSocket;
  #opened = 0;
  #backAt: number | undefined;
  #ended: string | undefined;

  constructor(url: string) {
    this.#socket = new RetryingSocket(url, {
      open: () => {
        this.#socket.succeeded();
        this.#opened += 1;
        if (this.#opened > 1) this.#backAt = now();
      },
      message: () => {},
      lost: () => {},
      ended: (code) => {
        this.#ended = `closed with ${code}`;
      },
    });
    this.#socket.open();
  }

  get isThere(): boolean {
    return this.#socket.isOpen;
  }

  get backAt(): number | undefined {
    return this.#backAt;
  }

  get ended(): string | undefined {
    return this.#ended;
  }

  tick(): void {
    // It sends nothing.
  }

  close(): void {
    this.#socket.close();
  }
}
