import type { RawData, WebSocket } from 'ws';
import { CLOSE_CODES, type CloseCode } from '../../../protocol/close-codes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ClientFrame, ServerFrame } from '../../../protocol/frames.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { RoundTrip } from '../../../protocol/round-trip.ts';
import { parseClientFrame } from './client-frames.ts';
import { InboundRate } from './inbound-rate.ts';
import { Parts } from './parts.ts';

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
  /** The client has got more of a large frame. */
  reads(): void;
  /** The client has sent something that cannot be understood. */
  violation(error: ProtocolError): void;
  closed(): void;
}

/** A client's WebSocket at its edge: frames in and out, heartbeats, bounds. Knows nothing of sessions. */
export class ClientSocket {
  readonly ip: string;
  readonly platform: string;
  readonly #ws: WebSocket;
  readonly #events: ClientSocketEvents;
  readonly #rate = new InboundRate();
  readonly #parts = new Parts();
  /** As the library's pings, and the first frame, have shown it. */
  readonly #roundTrip = new RoundTrip();
  #pause: NodeJS.Timeout | undefined;
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
    this.#events = events;
    this.ip = ip;
    this.platform = platform;
    this.#roundTrip.asked(this.#heardAt);
    ws.on('message', (data, isBinary) => {
      this.#heardAt = performance.now();
      if (!this.#open || !this.#keepPace(byteLength(data))) return;
      try {
        if (isBinary) throw new ProtocolError('FRAME_MALFORMED', 'binary frames are not used');
        const text = String(data);
        if (byteLength(data) > LIMITS.frameBytes) throw new ProtocolError('FRAME_TOO_LARGE');
        this.#take(parseClientFrame(text));
      } catch (error) {
        // Whatever a client manages to break is its own affair: nothing that it sends may end this process.
        events.violation(error instanceof ProtocolError ? error : new ProtocolError('FRAME_MALFORMED', String(error)));
      }
    });
    ws.on('pong', (data) => {
      this.#heardAt = performance.now();
      this.#roundTrip.answered(this.#heardAt);
      if (this.#open) this.#keepPace(data.length);
    });
    // Answered by the library, which takes time all the same.
    ws.on('ping', (data) => {
      if (this.#open) this.#keepPace(data.length);
    });
    // `close` follows every error, and says all that is needed.
    ws.on('error', () => {});
    ws.on('close', () => {
      this.#open = false;
      clearTimeout(this.#pause);
      events.closed();
    });
  }

  send(frame: ServerFrame): void {
    if (!this.#open) return;
    for (const message of this.#parts.of(JSON.stringify(frame))) this.#ws.send(message);
    if ('seq' in frame && frame.t !== 'welcome') this.#rate.expectsAck();
    if (this.#ws.bufferedAmount > MOST_UNSENT_BYTES) this.cut();
  }

  #take(frame: ClientFrame): void {
    if (frame.t === 'ping') {
      this.send({ t: 'pong' });
      if (this.#parts.told(frame.parts ?? 0)) this.#events.reads();
      return;
    }
    if (frame.t === 'hello') {
      this.#roundTrip.answered(this.#heardAt);
      this.#parts.areTaken = frame.parts === true;
    }
    this.#events.frame(frame);
  }

  close(code: CloseCode): void {
    if (!this.#open) return;
    this.#open = false;
    // The client's frames are not looked at any more, but its own close must be read.
    clearTimeout(this.#pause);
    if (this.#ws.isPaused) this.#ws.resume();
    this.#ws.close(code, CLOSE_CODES[code].name);
  }

  /** Reads on, later if need be; `false`: the client is put out. */
  #keepPace(bytes: number): boolean {
    const pace = this.#rate.took(bytes);
    if (pace.kind === 'flood') {
      this.#events.violation(new ProtocolError('RATE_LIMITED', 'frames'));
      return false;
    }
    if (pace.kind === 'pause' && !this.#pause) {
      this.#ws.pause();
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#ws.resume();
      }, pace.ms);
    }
    return true;
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
    const silentMs = now - this.#heardAt;
    if (silentMs > LIMITS.heartbeatMs + LIMITS.heartbeatTimeoutMs + 2 * this.#roundTrip.ms) this.cut();
    else if (this.#open && silentMs > LIMITS.heartbeatMs / 2) {
      this.#ws.ping();
      this.#roundTrip.asked(now);
    }
  }
}

function byteLength(data: RawData): number {
  return Array.isArray(data) ? data.reduce((sum, { length }) => sum + length, 0) : data.byteLength;
}
