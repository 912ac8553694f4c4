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
 * A socket with this much unsent data that doesn't shrink for some beats isn't being read. It is cut, and the client resumes for what
 * it missed; otherwise a stuck reader would use up the memory of all. A single frame may be larger, such as a large session's snapshot.
 */
const MUCH_UNSENT_BYTES = 1024 * 1024;
const STUCK_BEATS = 3;
/** A socket with more unsent data than this is cut at once. No session's snapshot is as large. */
const MOST_UNSENT_BYTES = 16 * 1024 * 1024;

export interface ClientSocketEvents {
  frame(frame: Exclude<ClientFrame, { t: 'ping' }>): void;
  /** The client has received more of a large frame. */
  reads(): void;
  /** The client has sent a malformed frame. */
  violation(error: ProtocolError): void;
  closed(): void;
}

/** A client's WebSocket at its edge: frames in both directions, heartbeats and limits. It knows nothing of sessions. */
export class ClientSocket {
  readonly ip: string;
  readonly platform: string;
  readonly #ws: WebSocket;
  readonly #events: ClientSocketEvents;
  readonly #rate = new InboundRate();
  readonly #parts = new Parts();
  /** Measured by the library's pings and by the first frame. */
  readonly #roundTrip = new RoundTrip();
  #pause: NodeJS.Timeout | undefined;
  #heardAt = performance.now();
  #open = true;
  /** Unsent bytes at the last beat, and for how many beats they have been many without shrinking. */
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
        // Nothing that a client sends may end this process.
        events.violation(error instanceof ProtocolError ? error : new ProtocolError('FRAME_MALFORMED', String(error)));
      }
    });
    ws.on('pong', (data) => {
      this.#heardAt = performance.now();
      this.#roundTrip.answered(this.#heardAt);
      if (this.#open) this.#keepPace(data.length);
    });
    // The library answers pings itself, but they count because they take time all the same.
    ws.on('ping', (data) => {
      if (this.#open) this.#keepPace(data.length);
    });
    // `close` follows every error and handles it.
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
    // The client's frames are no longer processed, but its close frame must still be read.
    clearTimeout(this.#pause);
    if (this.#ws.isPaused) this.#ws.resume();
    this.#ws.close(code, CLOSE_CODES[code].name);
  }

  /** Continues reading, after a pause if necessary; `false`: the client is cut off for flooding. */
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

  /** Ends the connection without a closing handshake. */
  cut(): void {
    this.#ws.terminate();
  }

  /** Called once a second for every socket, which saves a timer each: pings a silent client and cuts one that stays silent. */
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
