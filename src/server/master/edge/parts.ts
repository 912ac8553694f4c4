import type { PartFrame } from '../../../protocol/frames.ts';
import { LIMITS } from '../../../protocol/limits.ts';

/** Splits large frames for one client, and tracks how many parts have arrived according to its pings. */
export class Parts {
  /** Whether the client accepts parts. */
  areTaken = false;
  #sent = 0;
  #come = 0;

  /** The messages for a frame with this text. */
  of(text: string): string[] {
    if (!this.areTaken || text.length <= LIMITS.partLength) return [text];
    const parts: string[] = [];
    for (let at = 0; at < text.length; at += LIMITS.partLength) {
      const end = at + LIMITS.partLength;
      const part: PartFrame = { t: 'part', text: text.slice(at, end), ...(end >= text.length ? { last: true } : {}) };
      parts.push(JSON.stringify(part));
    }
    this.#sent += parts.length;
    return parts;
  }

  /** The client has received `count` parts. `true`: this is progress, and a possible number. */
  told(count: number): boolean {
    if (count <= this.#come || count > this.#sent) return false;
    this.#come = count;
    return true;
  }
}
