import type { PartFrame } from '../../protocol/frames.ts';

/** Puts the parts together in which a large frame comes over one socket. */
export class Parts {
  #count = 0;
  #text = '';

  /** How many have come over this socket. */
  get count(): number {
    return this.#count;
  }

  /** Another socket begins. */
  begin(): void {
    this.#count = 0;
    this.#text = '';
  }

  /** The frame, when this was its last part. */
  add({ text, last }: PartFrame): string | undefined {
    this.#count += 1;
    const whole = this.#text + text;
    this.#text = last ? '' : whole;
    return last ? whole : undefined;
  }
}
