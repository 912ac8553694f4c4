import type { Seq } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';

/** What of a membership's numbered frames has arrived, and what of that the owner has been told: soon, and not of each alone. */
export class Acknowledgements {
  readonly #send: (seq: Seq) => void;
  #received = 0;
  #acknowledged = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` does nothing while there is no owner to tell. */
  constructor(send: (seq: Seq) => void) {
    this.#send = send;
  }

  /** Number of the last frame that has arrived. */
  get received(): Seq {
    return this.#received as Seq;
  }

  /** Everything up to here is told already. */
  begin(seq: number): void {
    this.#received = seq;
    this.#acknowledged = seq;
  }

  /** The next frame has arrived. `isUrgent`: somebody waits for the word. */
  arrived(seq: Seq, isUrgent: boolean): void {
    this.#received = seq;
    if (isUrgent || this.#received - this.#acknowledged >= LIMITS.ackFrames) this.tell();
    else this.#timer ??= setTimeout(() => this.tell(), LIMITS.ackMs);
  }

  tell(): void {
    this.stop();
    this.#acknowledged = this.#received;
    this.#send(this.received);
  }

  /** Nothing is told any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
