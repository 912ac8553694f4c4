import type { Socket } from 'node:net';

/** How long one end may take to read the rest after the other has closed. */
const LINGER_MS = 5_000;

/**
 * Joins two sockets. Each receives what the other sends, at the pace of the slower reader. When one closes, the other gets the data in
 * flight and is closed, too.
 */
export class Tunnel {
  readonly #ends: readonly [Socket, Socket];
  readonly #closed: () => void;
  #open = 2;

  /** `closed` is called once, when both ends have closed, and never before the constructor has returned. */
  constructor(client: Socket, upstream: Socket, closed: () => void) {
    this.#ends = [client, upstream];
    this.#closed = closed;
    this.#carry(client, upstream);
    this.#carry(upstream, client);
  }

  close(): void {
    for (const end of this.#ends) {
      end.unpipe();
      finish(end);
    }
  }

  #carry(from: Socket, to: Socket): void {
    const gone = (): void => {
      finish(to);
      this.#open -= 1;
      if (this.#open === 0) this.#closed();
    };
    // Frames are small and must not wait for more data.
    from.setNoDelay(true);
    // `close` follows every error and handles it.
    from.on('error', () => {});
    from.on('end', () => finish(to));
    if (from.closed) setImmediate(gone);
    else from.once('close', gone);
    from.pipe(to, { end: false });
  }
}

/** Closes a socket when everything written has been sent, or when its reader has stopped reading. */
function finish(socket: Socket): void {
  if (socket.destroyed) return;
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.destroySoon();
}
