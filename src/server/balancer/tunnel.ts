import type { Socket } from 'node:net';

/** What one end has not read so long after the other has closed, it will not read any more. */
const LINGER_MS = 5_000;

/**
 * Two sockets joined: what one says the other hears, as fast as the slower of them reads, and when one closes the other
 * gets what is on its way and is closed too.
 */
export class Tunnel {
  readonly #ends: readonly [Socket, Socket];
  readonly #closed: () => void;
  #open = 2;

  /** `closed` is called once, when both ends are closed, and never before the constructor has returned. */
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
    // Frames are small and wait for nothing.
    from.setNoDelay(true);
    // An error is followed by 'close', where it is dealt with.
    from.on('error', () => {});
    from.on('end', () => finish(to));
    if (from.closed) setImmediate(gone);
    else from.once('close', gone);
    from.pipe(to, { end: false });
  }
}

/** Closes a socket once everything written to it has gone out, or when its reader has stopped reading. */
function finish(socket: Socket): void {
  if (socket.destroyed) return;
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.destroySoon();
}
