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
 * The protocol's client end: hello, numbered frames and acknowledgements, requests and answers, heartbeats. Keeps a
 * membership over any number of sockets; knows nothing of media or of what the application sees.
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
  /** Whether the server has answered this socket's hello: before that, nothing but the hello may be sent. */
  #greeted = false;
  /** Whether this socket has said a hello: before that, nothing that the server does about it is an answer. */
  #spoken = false;
  /** Whether the server may have taken the join that is wanted. */
  #joinSaid = false;
  /** Runs while it leaves, and nobody listens any more. */
  #leaving: ReturnType<typeof setTimeout> | undefined;
  /** What the server said before closing. */
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

  /** Takes a place, over the socket that is there or over new ones below `bases`, tried in turn. */
  join(join: Join, bases: readonly string[]): void {
    this.#reset(new ProtocolError('SESSION_DESTROYED'));
    this.#intent = { kind: 'join', join };
    this.#joinSaid = false;
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

  /**
   * Leaves, in the background and unheard: says so until the server has heard it, over other sockets and to other owners if need be.
   * Gives up after `withinMs`.
   */
  leave(withinMs: number): void {
    this.removeAllListeners();
    this.#leaving = setTimeout(() => this.close(), withinMs);
    const next = this.#requests.last + 1;
    this.#requests.rejectAll(new ProtocolError('SESSION_CLOSED'));
    if (this.#greeted) this.#sendLeave(next);
    // A hello that waits for its answer is followed by this when it is there.
    else if (this.#socket.isOpen) this.#helloSoon();
    else {
      // The page may be left with the session.
      sendBeacon(this.#socket.urls, this.#lastPlace);
      if (!this.#canLeave) this.close();
      else if (this.#socket.isStarted) this.#socket.reconnectNow();
      else this.#socket.open(this.#socket.urls);
    }
  }

  /** The page is closing: there is time for one word. */
  sayLast(): void {
    if (this.#greeted) this.#sendLeave(this.#requests.last + 1);
    sendBeacon(this.#socket.urls, this.#lastPlace);
  }

  /** The server can be reached, and what it says takes long. */
  get isSlow(): boolean {
    return this.#socket.isOpen && this.#parts.count + this.#heartbeat.roundTrip.ms > 0;
  }

  /** Ends it all: what waits for an answer rejects with `error`. */
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
    // Also while the answer is on its way: a master that takes a socket and freezes must not hold it for ever.
    this.#heartbeat.start(LIMITS.heartbeatMs, LIMITS.heartbeatTimeoutMs * this.#socket.patience);
    this.#heartbeat.asked();
  }

  /** A crash has released many at once, of whom some leave: nobody needs the word of each in the same moment. */
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
        // Nothing is left to resume; a socket that opens now waits for the next join.
        this.#reset(new ProtocolError('SESSION_DESTROYED'));
        this.#socket.spreadMs = frame.spreadMs ?? this.#socket.spreadMs;
        this.#spoken = false;
        if (this.#leaving) this.#helloSoon();
        else this.emit('destroyed', frame);
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
        const whole = this.#parts.add(frame);
        // In the background, timers are too slow for it.
        if (this.#parts.count % LIMITS.partsTold === 0) this.#ping();
        if (whole !== undefined) this.#read(whole);
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
    if (welcome.snapshot) this.#acks.begin(welcome.seq);
    if (this.#leaving) return this.#sendLeave(welcome.requestsTaken + 1);
    this.#greeted = true;
    this.#socket.succeeded();
    this.#socket.spreadMs = welcome.reconnectSpreadMs;
    this.#heartbeat.start(welcome.heartbeatMs, welcome.heartbeatTimeoutMs);
    if (tookOver) this.#requests.renumber(welcome.requestsTaken);
    // Before anything new is asked for, as the owner takes requests in the order of their numbers.
    for (const frame of this.#requests.after(welcome.requestsTaken)) this.#send(frame);
    // The former resume key is accepted until a frame shows that this welcome has arrived.
    if (welcome.resumed) this.#acks.tell();
    this.emit('welcome', welcome);
  }

  #numbered(frame: NumberedFrame): void {
    if (this.#leaving || frame.seq <= this.#acks.received) return;
    if (frame.seq !== this.#acks.received + 1) {
      // Something between owner and client has lost a frame: a resume brings it again.
      this.#socket.restart();
      return;
    }
    // A signal's sender waits for the word that it has arrived.
    this.#acks.arrived(frame.seq, frame.t === 'evt' && frame.event === 'signal');
    if (frame.t === 'res') this.#requests.settle(frame);
    else this.emit('event', frame);
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
    if (this.#leaving) {
      // Where a join has come to nothing, the place before it is still to be left.
      if (this.#intent.kind !== 'join') return this.close();
      this.#intent = { kind: 'none' };
      return;
    }
    this.#socket.close();
    if (this.#intent.kind !== 'none') {
      this.emit('refused', refusal ?? new ProtocolError('SESSION_CLOSED', `closed with ${code}`));
    }
  }

  /** Whether there is a place, or may be one, to leave. */
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
