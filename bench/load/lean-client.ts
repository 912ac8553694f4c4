import { RequestQueue } from '../../src/client/signaling/request-queue.ts';
import { type ClientFrame, parseServerFrame, type ServerFrame, type WelcomeFrame } from '../../src/protocol/frames.ts';
import type { Seq } from '../../src/protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../src/protocol/limits.ts';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import { now } from '../clock.ts';
import type { LoadClient } from './load-client.ts';
import { RetryingSocket } from './retrying-socket.ts';

type Hello = Extract<ClientFrame, { t: 'hello' }>;

/**
 * A member of a session that speaks only the protocol: hello, resume, acknowledgements, pings, signals. It behaves
 * like the SDK, without media, events and its own timers.
 */
export class LeanClient implements LoadClient {
  /** Data of the received signals, repetitions included. */
  readonly signals: string[] = [];
  readonly #socket: RetryingSocket;
  readonly #requests = new RequestQueue(Date.now);
  readonly #join: NonNullable<Hello['join']>;
  #welcome: WelcomeFrame | undefined;
  #greeted = false;
  #received = 0;
  #acknowledged = 0;
  #heardAt = 0;
  #pingedAt = 0;
  #backAt: number | undefined;
  #ended: string | undefined;

  constructor(url: string, token: string, key: string) {
    const parsed = parseTokenUrl(token);
    if (!parsed) throw new Error(`Not a token: ${token}`);
    this.#join = { sessionId: parsed.sessionId, token: parsed.token, key, metadata: '' };
    this.#socket = new RetryingSocket(url, {
      open: () => this.#hello(),
      message: (text) => this.#take(text),
      lost: () => {
        this.#greeted = false;
      },
      ended: (code) => {
        this.#greeted = false;
        this.#ended ??= `closed with ${code}`;
      },
    });
    this.#socket.open();
  }

  get isThere(): boolean {
    return this.#greeted;
  }

  get backAt(): number | undefined {
    return this.#backAt;
  }

  get ended(): string | undefined {
    return this.#ended;
  }

  /** Resolves when every member of the session has received it. */
  async signal(id: string, data: string): Promise<void> {
    const { frame, answer } = this.#requests.add('signal', { id, data });
    if (this.#greeted) this.#send(frame);
    await answer;
  }

  tick(at: number): void {
    if (!this.#socket.isOpen) return;
    if (this.#greeted && this.#received > this.#acknowledged) this.#ack();
    if (at - this.#heardAt > LIMITS.heartbeatMs + LIMITS.heartbeatTimeoutMs) this.#socket.restart();
    else if (at - this.#pingedAt >= LIMITS.heartbeatMs) {
      this.#pingedAt = at;
      this.#send({ t: 'ping' });
    }
  }

  close(): void {
    this.#socket.close();
  }

  #hello(): void {
    this.#heardAt = now();
    this.#pingedAt = this.#heardAt;
    const head = { t: 'hello', v: PROTOCOL_VERSION, sdk: 'bench' } as const;
    if (!this.#welcome) return this.#send({ ...head, join: this.#join });
    const { sessionId, uniqueSessionId, connectionId, resumeKey, epoch } = this.#welcome;
    const far = { received: this.#received as Seq, nextRequest: this.#requests.next };
    this.#send({ ...head, resume: { sessionId, uniqueSessionId, connectionId, resumeKey, epoch, ...far } });
  }

  #take(text: string): void {
    this.#heardAt = now();
    const frame = parseServerFrame(text);
    if (frame) this.#handle(frame);
  }

  #handle(frame: ServerFrame): void {
    switch (frame.t) {
      case 'welcome':
        return this.#greet(frame);
      case 'res':
      case 'evt':
        if (frame.seq <= this.#received) return;
        if (frame.seq !== this.#received + 1) return this.#socket.restart();
        this.#received = frame.seq;
        if (frame.t === 'res') this.#requests.settle(frame);
        else if (frame.event === 'signal') this.signals.push(frame.data.data ?? '');
        if ((frame.t === 'evt' && frame.event === 'signal') || frame.seq - this.#acknowledged >= LIMITS.ackFrames) {
          this.#ack();
        }
        return;
      case 'moved':
        this.#greeted = false;
        return this.#hello();
      case 'destroyed':
        this.#greeted = false;
        this.#ended = `the session was destroyed: ${frame.reason}`;
        return;
      case 'refused':
      case 'error':
        // The following close code decides whether this is final.
        if (frame.error.code !== 'UNAVAILABLE' && frame.error.code !== 'INTERNAL') this.#ended = frame.error.code;
        return;
      case 'pong':
        return;
    }
  }

  #greet(welcome: WelcomeFrame): void {
    if (this.#welcome) this.#backAt = now();
    const tookOver = welcome.resumed && welcome.snapshot && welcome.epoch !== this.#welcome?.epoch;
    this.#welcome = welcome;
    if (welcome.snapshot) {
      this.#received = welcome.seq;
      this.#acknowledged = welcome.seq;
    }
    this.#greeted = true;
    this.#socket.succeeded(welcome.reconnectSpreadMs);
    if (tookOver) this.#requests.renumber(welcome.requestsTaken);
    for (const frame of this.#requests.after(welcome.requestsTaken)) this.#send(frame);
  }

  #ack(): void {
    this.#acknowledged = this.#received;
    this.#send({ t: 'ack', seq: this.#received as Seq });
  }

  #send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
