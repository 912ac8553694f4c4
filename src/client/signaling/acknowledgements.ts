import type { Seq } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';

/** Counts the received numbered frames of a membership, and acknowledges them in groups and without long delay. */
export class Acknowledgements {
  readonly #send: (seq: Seq) => void;
  #received = 0;
  #acknowledged = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` does nothing while there is no owner. */
  constructor(send: (seq: Seq) => void) {
    this.#send = send;
  }

  /** Number of the last frame that has arrived. */
  get received(): Seq {
    return this.#received as Seq;
  }

  /** The owner knows of all frames up to here. */
  begin(seq: number): void {
    this.#received = seq;
    this.#acknowledged = seq;
  }

  /** The next frame has arrived. `isUrgent`: a sender waits for the acknowledgement. */
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

  /** Stops the pending acknowledgement. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
