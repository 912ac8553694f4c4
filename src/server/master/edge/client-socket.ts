import type { WebSocket } from 'ws';
import { CLOSE_CODES, type CloseCode } from '../../../protocol/close-codes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ClientFrame, ServerFrame } from '../../../protocol/frames.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { parseClientFrame } from './client-frames.ts';

/**
 * A socket with so much unsent that does not get less for some beats is not being read: it is cut, and what it missed is kept for
 * its resume. Without this a stuck reader would take the memory of everybody else. One frame alone may be larger, as the
 * snapshot of a large session.
 */
const MUCH_UNSENT_BYTES = 1024 * 1024;
const STUCK_BEATS = 3;
/** Cut at once: more than any session's snapshot. */
const MOST_UNSENT_BYTES = 16 * 1024 * 1024;

export interface ClientSocketEvents {
  frame(frame: Exclude<ClientFrame, { t: 'ping' }>): void;
  /** The client has sent something that cannot be understood. */
  violation(error: ProtocolError): void;
  closed(): void;
}

/** A client's WebSocket at its edge: frames in and out, heartbeats, bounds. Knows nothing of sessions. */
export class ClientSocket {
  readonly ip: string;
  readonly platform: string;
  readonly #ws: WebSocket;
  #heardAt = performance.now();
  #open = true;
  /** At the last beat, bytes; and for how many beats it has been much and not got less. */
  #unsent = 0;
  #stuckBeats = 0;

  constructor(
    ws: WebSocket,
    { ip, platform }: { readonly ip: string; readonly platform: string },
    events: ClientSocketEvents,
  ) {
    this.#ws = ws;
    this.ip = ip;
    this.platform = platform;
    ws.on('message', (data, isBinary) => {
      this.#heardAt = performance.now();
      if (!this.#open) return;
      try {
        if (isBinary) throw new ProtocolError('FRAME_MALFORMED', 'binary frames are not used');
        const text = String(data);
        if (Buffer.byteLength(text) > LIMITS.frameBytes) throw new ProtocolError('FRAME_TOO_LARGE');
        const frame = parseClientFrame(text);
        if (frame.t === 'ping') this.send({ t: 'pong' });
        else events.frame(frame);
      } catch (error) {
        // Whatever a client manages to break is its own affair: nothing that it sends may end this process.
        events.violation(error instanceof ProtocolError ? error : new ProtocolError('FRAME_MALFORMED', String(error)));
      }
    });
    ws.on('pong', () => {
      this.#heardAt = performance.now();
    });
    // `close` follows every error, and says all that is needed.
    ws.on('error', () => {});
    ws.on('close', () => {
      this.#open = false;
      events.closed();
    });
  }

  send(frame: ServerFrame): void {
    if (!this.#open) return;
    this.#ws.send(JSON.stringify(frame));
    if (this.#ws.bufferedAmount > MOST_UNSENT_BYTES) this.cut();
  }

  close(code: CloseCode): void {
    if (!this.#open) return;
    this.#open = false;
    this.#ws.close(code, CLOSE_CODES[code].name);
  }

  /** Ends the connection without the other side's consent. */
  cut(): void {
    this.#ws.terminate();
  }

  /** One look for all sockets instead of timers for each: asks for a sign of life, cuts what has been silent. */
  beat(now: number): void {
    const unsent = this.#ws.bufferedAmount;
    const stuck = this.#unsent > MUCH_UNSENT_BYTES && unsent >= this.#unsent;
    this.#stuckBeats = stuck ? this.#stuckBeats + 1 : 0;
    this.#unsent = unsent;
    if (this.#stuckBeats >= STUCK_BEATS) return this.cut();
    if (now - this.#heardAt > LIMITS.heartbeatMs + LIMITS.heartbeatTimeoutMs) this.cut();
    else if (this.#open && now - this.#heardAt > LIMITS.heartbeatMs / 2) this.#ws.ping();
  }
}
