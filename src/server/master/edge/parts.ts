import type { PartFrame } from '../../../protocol/frames.ts';
import { LIMITS } from '../../../protocol/limits.ts';

/** What one client is sent in parts, and how much of it has come, as far as it says. */
export class Parts {
  /** Whether the client puts them together. */
  areTaken = false;
  #sent = 0;
  #come = 0;

  /** The messages that bring a frame with this text. */
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

  /** So many have come. `true`: more than before, and not more than were sent. */
  told(count: number): boolean {
    if (count <= this.#come || count > this.#sent) return false;
    this.#come = count;
    return true;
  }
}
