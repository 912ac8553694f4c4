import { EventEmitter } from 'eventemitter3';
import { afterClose } from '../../protocol/close-codes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  type ClientFrame,
  type DestroyedFrame,
  type EventFrame,
  type Join,
  type NumberedFrame,
  parseServerFrame,
  type Resume,
  type ServerFrame,
  type WelcomeFrame,
} from '../../protocol/frames.ts';
import type { Seq } from '../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION, SOCKET_PATH } from '../../protocol/limits.ts';
import type { Method, Params, Result } from '../../protocol/methods.ts';
import { sayFarewell } from './farewell.ts';
import { Heartbeat } from './heartbeat.ts';
import { RequestQueue } from './request-queue.ts';
import { Socket, type SocketOptions } from './socket.ts';

export interface SignalingEvents {
  welcome: [WelcomeFrame];
  event: [EventFrame];
  /** The socket is gone; another is on its way. `code` as of the close. */
  lost: [code: number];
  retrying: [attempt: number, nextDelayMs: number];
  /** The clock has jumped: anything may have happened meanwhile. */
  late: [];
  destroyed: [DestroyedFrame];
  /** The browser refuses to open a socket to any URL of the list, of which this is the last. */
  impossible: [url: string, cause: unknown];
  /** There is nothing to come back to, or no way in. The socket does not come back. */
  refused: [ProtocolError];
}

/** What the next open socket says first. */
type Intent =
  | { readonly kind: 'none' }
  | { readonly kind: 'join'; readonly join: Join }
  | { readonly kind: 'resume'; readonly place: Place };

/** What a resume needs to know, but for how far this client has got. */
type Place = Omit<Resume, 'received' | 'nextRequest'>;

export interface SignalingOptions extends SocketOptions {
  readonly now: () => number;
  /** Name and version, for the servers' logs. */
  readonly sdk: string;
}

/**
 * The protocol's client end: hello, numbered frames and acknowledgements, requests and answers, heartbeats. Keeps a
 * membership over any number of sockets; knows nothing of media or of what the application sees.
 */
export class Signaling extends EventEmitter<SignalingEvents> {
  readonly #options: SignalingOptions;
  readonly #socket: Socket;
  readonly #heartbeat: Heartbeat;
  readonly #requests: RequestQueue;
  #intent: Intent = { kind: 'none' };
  #lastPlace: Place | undefined;
  /** Whether the server has answered this socket's hello: before that, nothing but the hello may be sent. */
  #greeted = false;
  /** Whether this socket has said a hello: before that, nothing that the server does about it is an answer. */
  #spoken = false;
  /** What the server said before closing. */
  #refusal: ProtocolError | undefined;
  /** Of this socket, and what they are of a frame that is not complete. */
  #parts = 0;
  #pieces = '';
  #received = 0;
  #acknowledged = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SignalingOptions) {
    super();
    this.#options = options;
    this.#requests = new RequestQueue(() => performance.now());
    this.#socket = new Socket(options, {
      waiting: (attempt, delayMs) => this.emit('retrying', attempt, delayMs),
      open: () => {
        this.#spoken = false;
        this.#parts = 0;
        this.#pieces = '';
        this.#heartbeat.roundTrip.took(this.#socket.openedInMs / 2);
        this.#hello();
      },
      message: (text) => this.#take(text),
      lost: (code) => this.#lost(code),
      impossible: (url, cause) => this.emit('impossible', url, cause),
    });
    this.#heartbeat = new Heartbeat({
      now: options.now,
      ping: () => this.#ping(),
      dead: () => this.#socket.restart(),
      late: () => this.emit('late'),
    });
  }

  /** Takes a place, over the socket that is there or over new ones below `bases`, tried in turn. */
  join(join: Join, bases: readonly string[]): void {
    this.#reset(new ProtocolError('SESSION_DESTROYED'));
    this.#intent = { kind: 'join', join };
    if (this.#socket.isOpen) this.#hello();
    else if (!this.#socket.isStarted) {
      // A slash at the end makes no difference, and a query stays.
      this.#socket.open(bases.map((base) => base.replace(/\/*(\?.*)?$/, `${SOCKET_PATH}$1`)));
    }
  }

  /** Rejects with the server's refusal, or when the membership ends before the answer. */
  request<M extends Method>(method: M, data: Params<M>): Promise<Result<M>> {
    try {
      // Nobody would ever answer it.
      if (!this.#socket.isStarted) throw new ProtocolError('SESSION_CLOSED');
      const { frame, answer } = this.#requests.add(method, data);
      if (this.#greeted) this.#send(frame);
      return answer;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  reconnectNow(): void {
    this.#socket.reconnectNow();
  }

  /** Finds out at once whether a socket that seems to be open is. */
  probe(): void {
    this.#heartbeat.probe();
  }

  /** The page is about to stop: the socket is closed, so that nobody waits for a client that does not listen. */
  suspend(): void {
    this.#socket.suspend();
  }

  /** The page runs again. */
  wake(): void {
    this.#socket.wake();
    this.#heartbeat.probe();
  }

  /** The server's wish for the width of the wait before a first attempt, ms. */
  get spreadMs(): number {
    return this.#socket.spreadMs;
  }

  /** The place held last: proof, for the one that is taken after a crash, of who this client was. */
  get lastPlace(): Place | undefined {
    return this.#lastPlace;
  }

  /** Leaves while there is no connection; nothing of it is told. `withinMs`: for how long the place is kept. */
  sayFarewell(withinMs: number): void {
    if (this.#intent.kind !== 'resume') return;
    const far = { received: this.#received as Seq, nextRequest: this.#requests.next };
    sayFarewell({ ...this.#intent.place, ...far }, this.#socket.urls, withinMs, this.#options);
  }

  /** The server can be reached, and what it says takes long. */
  get isSlow(): boolean {
    return this.#socket.isOpen && this.#parts + this.#heartbeat.roundTrip.ms > 0;
  }

  /** Ends it all: what waits for an answer rejects with `error`. */
  close(error: ProtocolError): void {
    this.#reset(error);
    this.#socket.close();
  }

  #reset(error: ProtocolError): void {
    this.#intent = { kind: 'none' };
    this.#greeted = false;
    this.#received = 0;
    this.#acknowledged = 0;
    this.#heartbeat.stop();
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#requests.rejectAll(error);
  }

  #hello(): void {
    const head = { t: 'hello', v: PROTOCOL_VERSION, sdk: this.#options.sdk, parts: true } as const;
    if (this.#intent.kind === 'join') this.#send({ ...head, join: this.#intent.join });
    if (this.#intent.kind === 'resume') {
      const far = { received: this.#received as Seq, nextRequest: this.#requests.next };
      this.#send({ ...head, resume: { ...this.#intent.place, ...far } });
    }
    if (this.#intent.kind !== 'none') this.#spoken = true;
    // Also while the answer is on its way: a master that takes a socket and freezes must not hold it for ever.
    this.#heartbeat.start(LIMITS.heartbeatMs, LIMITS.heartbeatTimeoutMs * this.#socket.patience);
    this.#heartbeat.asked();
  }

  #take(text: string): void {
    this.#heartbeat.heard();
    this.#read(text);
  }

  #read(text: string): void {
    const frame = parseServerFrame(text);
    if (frame) this.#handle(frame);
  }

  #handle(frame: ServerFrame): void {
    switch (frame.t) {
      case 'welcome':
        return this.#welcome(frame);
      case 'res':
      case 'evt':
        return this.#numbered(frame);
      case 'destroyed':
        // Nothing is left to resume; a socket that opens now waits for the next join.
        this.#reset(new ProtocolError('SESSION_DESTROYED'));
        this.#socket.spreadMs = frame.spreadMs ?? this.#socket.spreadMs;
        this.emit('destroyed', frame);
        return;
      case 'refused':
      case 'error':
        // The close code that follows says whether to come back, and only then is it final.
        this.#refusal = ProtocolError.fromWire(frame.error);
        return;
      case 'moved':
        this.#greeted = false;
        this.#hello();
        return;
      case 'part': {
        this.#parts += 1;
        // In the background, timers are too slow for it.
        if (this.#parts % LIMITS.partsTold === 0) this.#ping();
        const text = this.#pieces + frame.text;
        this.#pieces = frame.last ? '' : text;
        if (frame.last) this.#read(text);
      }
    }
  }

  #welcome(welcome: WelcomeFrame): void {
    const { sessionId, uniqueSessionId, connectionId, resumeKey, epoch } = welcome;
    // A snapshot alone does not mean another owner: it may stand for events that were too many to be kept.
    const tookOver = welcome.resumed && welcome.snapshot !== undefined && epoch !== this.#lastPlace?.epoch;
    this.#lastPlace = { sessionId, uniqueSessionId, connectionId, resumeKey, epoch };
    this.#intent = { kind: 'resume', place: this.#lastPlace };
    this.#refusal = undefined;
    if (welcome.snapshot) {
      this.#received = welcome.seq;
      this.#acknowledged = welcome.seq;
    }
    this.#greeted = true;
    this.#socket.succeeded();
    this.#socket.spreadMs = welcome.reconnectSpreadMs;
    this.#heartbeat.start(welcome.heartbeatMs, welcome.heartbeatTimeoutMs);
    if (tookOver) this.#requests.renumber(welcome.requestsTaken);
    // Before anything new is asked for, as the owner takes requests in the order of their numbers.
    for (const frame of this.#requests.after(welcome.requestsTaken)) this.#send(frame);
    // The former resume key is accepted until a frame shows that this welcome has arrived.
    if (welcome.resumed) this.#sendAck();
    this.emit('welcome', welcome);
  }

  #numbered(frame: NumberedFrame): void {
    if (frame.seq <= this.#received) return;
    if (frame.seq !== this.#received + 1) {
      // Something between owner and client has lost a frame: a resume brings it again.
      this.#socket.restart();
      return;
    }
    this.#received = frame.seq;
    // A signal's sender waits for the word that it has arrived.
    if (frame.t === 'evt' && frame.event === 'signal') this.#sendAck();
    else this.#acknowledge();
    if (frame.t === 'res') this.#requests.settle(frame);
    else this.emit('event', frame);
  }

  #acknowledge(): void {
    if (this.#received - this.#acknowledged >= LIMITS.ackFrames) return this.#sendAck();
    this.#ackTimer ??= setTimeout(() => this.#sendAck(), LIMITS.ackMs);
  }

  #sendAck(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (!this.#greeted) return;
    this.#acknowledged = this.#received;
    this.#send({ t: 'ack', seq: this.#received as Seq });
  }

  #lost(code: number): void {
    this.#greeted = false;
    this.#heartbeat.stop();
    const refusal = this.#refusal;
    this.#refusal = undefined;
    // A socket that waited for too long for its client to have a token was closed for its silence: no word on the token.
    const then = this.#spoken ? afterClose(code) : 'resume';
    if (then === 'resume') {
      this.emit('lost', code);
      return;
    }
    this.#socket.close();
    if (this.#intent.kind !== 'none') {
      this.emit('refused', refusal ?? new ProtocolError('SESSION_CLOSED', `closed with ${code}`));
    }
  }

  #ping(): void {
    this.#send({ t: 'ping', parts: this.#parts });
  }

  #send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
