import type { PartFrame } from '../../protocol/frames.ts';

/** Assembles large frames that arrive over one socket in parts. */
export class Parts {
  #count = 0;
  #text = '';

  /** Number of parts received over this socket. */
  get count(): number {
    return this.#count;
  }

  /** Starts over for a new socket. */
  begin(): void {
    this.#count = 0;
    this.#text = '';
  }

  /** Returns the frame after its last part. */
  add({ text, last }: PartFrame): string | undefined {
    this.#count += 1;
    const whole = this.#text + text;
    this.#text = last ? '' : whole;
    return last ? whole : undefined;
  }
}
