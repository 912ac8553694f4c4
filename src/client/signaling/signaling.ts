import { EventEmitter } from 'eventemitter3';
import { afterClose } from '../../protocol/close-codes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  type ClientFrame,
  type Join,
  type NumberedFrame,
  parseServerFrame,
  type ServerFrame,
  type WelcomeFrame,
} from '../../protocol/frames.ts';
import type { RequestId } from '../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION, SOCKET_PATH } from '../../protocol/limits.ts';
import type { Method, Params, Result } from '../../protocol/methods.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { sendBeacon } from './beacon.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Intent, Place } from './intent.ts';
import { Parts } from './parts.ts';
import { RequestQueue } from './request-queue.ts';
import type { SignalingEvents } from './signaling-events.ts';
import type { SignalingOptions } from './signaling-options.ts';
import { Socket } from './socket.ts';

/**
 * The client end of the protocol: hello, numbered frames, acknowledgements, requests, heartbeats. Keeps a membership
 * over any number of sockets; knows nothing of media or of the application.
 */
export class Signaling extends EventEmitter<SignalingEvents> {
  readonly #options: SignalingOptions;
  readonly #socket: Socket;
  readonly #heartbeat: Heartbeat;
  readonly #requests: RequestQueue;
  readonly #acks = new Acknowledgements((seq) => {
    if (this.#greeted) this.#send({ t: 'ack', seq });
  });
  #intent: Intent = { kind: 'none' };
  #lastPlace: Place | undefined;
  /** Whether the server has answered this socket's hello. Before that, only the hello may be sent. */
  #greeted = false;
  /** Whether this socket has sent a hello. Before that, nothing from the server is an answer. */
  #spoken = false;
  /** Whether the server may have accepted the join. */
  #joinSaid = false;
  /** Set while the client leaves; then there are no listeners any more. */
  #leaving: ReturnType<typeof setTimeout> | undefined;
  /** The server's error before the close. */
  #refusal: ProtocolError | undefined;
  readonly #parts = new Parts();

  constructor(options: SignalingOptions) {
    super();
    this.#options = options;
    this.#requests = new RequestQueue(() => performance.now());
    this.#socket = new Socket(options, {
      waiting: (attempt, delayMs) => this.emit('retrying', attempt, delayMs),
      open: () => {
        this.#spoken = false;
        this.#parts.begin();
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

  /** Joins over the open socket, or over new ones to `bases`, tried in turn. */
  join(join: Join, bases: readonly string[]): void {
    this.#reset(new ProtocolError('SESSION_DESTROYED'));
    this.#intent = { kind: 'join', join };
    this.#joinSaid = false;
    if (this.#socket.isOpen) this.#hello();
    else if (!this.#socket.isStarted) {
      // Ignore a slash at the end, and keep a query.
      this.#socket.open(bases.map((base) => base.replace(/\/*(\?.*)?$/, `${SOCKET_PATH}$1`)));
    }
  }

  /** Rejects with the server's refusal, or when the membership ends before the answer. */
  request<M extends Method>(method: M, data: Params<M>): Promise<Result<M>> {
    try {
      // Without a socket, no answer would ever come.
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

  /** Checks at once whether a seemingly open socket is alive. */
  probe(): void {
    this.#heartbeat.probe();
  }

  /** The page is about to stop. Closes the socket so that the server knows that the client does not listen. */
  suspend(): void {
    this.#socket.suspend();
  }

  /** The page runs again. */
  wake(): void {
    this.#socket.wake();
    this.#heartbeat.probe();
  }

  /** The server's width of the delay before a first attempt, ms. */
  get spreadMs(): number {
    return this.#socket.spreadMs;
  }

  /** The last connection. It proves to the server, in a join after a crash, which participant this client was. */
  get lastPlace(): Place | undefined {
    return this.#lastPlace;
  }

  /**
   * Leaves in the background: repeats the goodbye until a server has received it, over other sockets and to other
   * owners if necessary. Gives up after `withinMs`.
   */
  leave(withinMs: number): void {
    this.removeAllListeners();
    this.#leaving = setTimeout(() => this.close(), withinMs);
    const next = this.#requests.last + 1;
    this.#requests.rejectAll(new ProtocolError('SESSION_CLOSED'));
    if (this.#greeted) this.#sendLeave(next);
    // If a hello is pending, the goodbye follows its answer.
    else if (this.#socket.isOpen) this.#helloSoon();
    else {
      // The user may close the page right after leaving the session.
      sendBeacon(this.#socket.urls, this.#lastPlace);
      if (!this.#canLeave) this.close();
      else if (this.#socket.isStarted) this.#socket.reconnectNow();
      else this.#socket.open(this.#socket.urls);
    }
  }

  /** The page is closing, so there is time for one message only. */
  sayLast(): void {
    if (this.#greeted) this.#sendLeave(this.#requests.last + 1);
    sendBeacon(this.#socket.urls, this.#lastPlace);
  }

  /** The server is reachable, but its answers take long. */
  get isSlow(): boolean {
    return this.#socket.isOpen && this.#parts.count + this.#heartbeat.roundTrip.ms > 0;
  }

  /** Ends everything; pending requests reject with `error`. */
  close(error = new ProtocolError('SESSION_CLOSED')): void {
    clearTimeout(this.#leaving);
    this.#reset(error);
    this.#lastPlace = undefined;
    this.#socket.close();
  }

  #reset(error: ProtocolError): void {
    this.#intent = { kind: 'none' };
    this.#greeted = false;
    this.#acks.begin(0);
    this.#acks.stop();
    this.#heartbeat.stop();
    this.#requests.rejectAll(error);
  }

  #hello(): void {
    const head = { t: 'hello', v: PROTOCOL_VERSION, sdk: this.#options.sdk, parts: true } as const;
    const intent = this.#intent;
    if (this.#leaving && !this.#canLeave) return this.close();
    this.#spoken = true;
    if (intent.kind === 'join' && (this.#joinSaid || !this.#leaving)) {
      this.#joinSaid = true;
      this.#send({ ...head, join: intent.join });
    } else if (this.#leaving) this.#send({ ...head, goodbye: this.#lastPlace as Place });
    else if (intent.kind === 'resume') {
      const far = { received: this.#acks.received, nextRequest: this.#requests.next };
      this.#send({ ...head, resume: { ...intent.place, ...far } });
    } else this.#spoken = false;
    // The heartbeat also covers a pending hello, because a master may accept a socket and freeze.
    this.#heartbeat.start(LIMITS.heartbeatMs, LIMITS.heartbeatTimeoutMs * this.#socket.patience);
    this.#heartbeat.asked();
  }

  /** After a crash many clients leave at once, so spread their goodbyes. */
  #helloSoon(): void {
    setTimeout(() => {
      if (this.#leaving && this.#socket.isOpen && !this.#spoken) this.#hello();
    }, this.#options.random() * this.spreadMs);
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
        // There is nothing to resume. A socket that opens now waits for the next join.
        this.#reset(new ProtocolError('SESSION_DESTROYED'));
        this.#socket.spreadMs = frame.spreadMs ?? this.#socket.spreadMs;
        this.#spoken = false;
        if (this.#leaving) this.#helloSoon();
        else this.emit('destroyed', frame);
        return;
      case 'refused':
      case 'error':
        // The close code that follows decides whether the client comes back.
        this.#refusal = ProtocolError.fromWire(frame.error);
        return;
      case 'moved':
        this.#greeted = false;
        this.#hello();
        return;
      case 'part': {
        const whole = this.#parts.add(frame);
        // Timers of background pages are too slow to report the progress.
        if (this.#parts.count % LIMITS.partsTold === 0) this.#ping();
        if (whole !== undefined) this.#read(whole);
      }
    }
  }

  #welcome(welcome: WelcomeFrame): void {
    const { sessionId, uniqueSessionId, connectionId, resumeKey, epoch } = welcome;
    // A snapshot alone does not mean another owner: it may replace events that were too many to keep.
    const tookOver = welcome.resumed && welcome.snapshot !== undefined && epoch !== this.#lastPlace?.epoch;
    this.#lastPlace = { sessionId, uniqueSessionId, connectionId, resumeKey, epoch };
    this.#intent = { kind: 'resume', place: this.#lastPlace };
    this.#refusal = undefined;
    if (welcome.snapshot) this.#acks.begin(welcome.seq);
    if (this.#leaving) return this.#sendLeave(welcome.requestsTaken + 1);
    this.#greeted = true;
    this.#socket.succeeded();
    this.#socket.spreadMs = welcome.reconnectSpreadMs;
    this.#heartbeat.start(welcome.heartbeatMs, welcome.heartbeatTimeoutMs);
    if (tookOver) this.#requests.renumber(welcome.requestsTaken);
    // Send these before new requests, because the owner processes requests in the order of their numbers.
    for (const frame of this.#requests.after(welcome.requestsTaken)) this.#send(frame);
    // Acknowledge now, because the owner accepts the former resume key until it knows that this welcome arrived.
    if (welcome.resumed) this.#acks.tell();
    this.emit('welcome', welcome);
  }

  #numbered(frame: NumberedFrame): void {
    if (this.#leaving || frame.seq <= this.#acks.received) return;
    if (frame.seq !== this.#acks.received + 1) {
      // A frame was lost between owner and client; a resume repeats it.
      this.#socket.restart();
      return;
    }
    // The sender of a signal waits for the acknowledgement.
    this.#acks.arrived(frame.seq, frame.t === 'evt' && frame.event === 'signal');
    if (frame.t === 'res') this.#requests.settle(frame);
    else this.emit('event', frame);
  }

  #lost(code: number): void {
    this.#greeted = false;
    this.#heartbeat.stop();
    const refusal = this.#refusal;
    this.#refusal = undefined;
    // Without a hello, the close only means that the client waited too long for a token; it says nothing about the
    // token.
    const then = this.#spoken ? afterClose(code) : 'resume';
    if (then === 'resume') {
      this.emit('lost', code);
      return;
    }
    if (this.#leaving) {
      // If the join failed, the connection before it still has to be left.
      if (this.#intent.kind !== 'join') return this.close();
      this.#intent = { kind: 'none' };
      return;
    }
    this.#socket.close();
    if (this.#intent.kind !== 'none') {
      this.emit('refused', refusal ?? new ProtocolError('SESSION_CLOSED', `closed with ${code}`));
    }
  }

  /** Whether there is, or may be, a connection to leave. */
  get #canLeave(): boolean {
    return this.#lastPlace !== undefined || (this.#intent.kind === 'join' && this.#joinSaid);
  }

  #sendLeave(id: number): void {
    this.#send({ t: 'req', id: id as RequestId, method: 'leave', data: {} });
  }

  #ping(): void {
    this.#send({ t: 'ping', parts: this.#parts.count });
  }

  #send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
