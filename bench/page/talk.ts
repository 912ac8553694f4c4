import type { Session } from '../../src/client/session/session.ts';

export interface TalkCount {
  /** Messages whose promise has resolved. */
  readonly sent: number;
  /** Messages whose promise has rejected. */
  readonly failed: number;
  /** Every received message, own ones included, in the order of arrival. */
  readonly received: readonly string[];
}

/** Runs in the page. Sends numbered messages to all participants and records the received ones. */
export class Talk {
  readonly #session: Session;
  readonly #name = crypto.randomUUID();
  readonly #received: string[] = [];
  readonly #pending: Promise<void>[] = [];
  #sent = 0;
  #failed = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(session: Session) {
    this.#session = session;
    session.on('signal:talk', ({ data }) => this.#received.push(String(data)));
  }

  get count(): TalkCount {
    return { sent: this.#sent, failed: this.#failed, received: this.#received };
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => this.#pending.push(this.#say()), everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }

  async #say(): Promise<void> {
    try {
      await this.#session.signal({ type: 'talk', data: `${this.#name} ${this.#pending.length}` });
      this.#sent += 1;
    } catch {
      this.#failed += 1;
    }
  }
}
