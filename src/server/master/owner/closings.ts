import { ProtocolError } from '../../../protocol/errors.ts';

export type Closing = 'closeTransport' | 'closeProducer' | 'closeConsumer';

/**
 * For so long after an unanswered command, ms, the client may ask for the same again. It does so every 250 ms while it wants it, and
 * nothing that it has asked for again is closed. A worker that is slow must not begin anew each time.
 */
const ASKED_AGAIN_MS = 5_000;

export interface ClosingsParts {
  /** @throws {ProtocolError} UNAVAILABLE: the media node has not answered */
  readonly send: (command: Closing, params: { readonly key: string; readonly order: number }) => Promise<unknown>;
  /** The next number of the owner's commands. */
  readonly nextOrder: () => number;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

interface Due {
  readonly command: Closing;
  readonly key: string;
  readonly order: number;
  readonly at: number;
}

/**
 * The objects of a room that the media node has yet to close. Without a repeated command, a lost one would leave its object there until
 * the transport ends. A command keeps its number at each repetition, so it never closes a newer object with the same key.
 */
export class Closings {
  readonly #parts: ClosingsParts;
  readonly #due = new Map<string, Due>();
  #isSweeping = false;

  constructor(parts: ClosingsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#due.size;
  }

  /** Resolves after the first attempt; `sweep` makes the others. */
  async close(command: Closing, key: string): Promise<void> {
    await this.#try(this.#dueIn(0, command, key));
  }

  /** The media node has not answered the command that makes this. It is closed if the client does not ask for it again soon. */
  unlessAskedAgain(command: Closing, key: string): void {
    this.#keep(this.#dueIn(ASKED_AGAIN_MS, command, key));
  }

  /** Tries again what is due. Called now and then while the room is in use; never rejects. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const now = this.#parts.now();
    for (const due of [...this.#due.values()]) {
      // A node that is silent to one is silent to all.
      if (due.at <= now && !(await this.#try(due))) break;
    }
    this.#isSweeping = false;
  }

  #dueIn(ms: number, command: Closing, key: string): Due {
    return { command, key, order: this.#parts.nextOrder(), at: this.#parts.now() + ms };
  }

  async #try(due: Due): Promise<boolean> {
    const { command, key, order } = due;
    try {
      await this.#parts.send(command, { key, order });
    } catch (error) {
      // Any other refusal is final: the room has another owner, or is gone.
      if (error instanceof ProtocolError && error.code === 'UNAVAILABLE') {
        this.#keep(due);
        return false;
      }
    }
    const name = nameOf(due);
    if (this.#due.get(name) === due) this.#due.delete(name);
    return true;
  }

  #keep(due: Due): void {
    const name = nameOf(due);
    if ((this.#due.get(name)?.order ?? 0) <= due.order) this.#due.set(name, due);
  }
}

function nameOf({ command, key }: Due): string {
  return `${command} ${key}`;
}
