import type { Session } from '../../src/client/index.ts';
import { Observable } from './observable.ts';
import { nameOf } from './person-name.ts';

export interface ChatMessage {
  readonly id: number;
  /** Unix time, ms. */
  readonly at: number;
  readonly author: string;
  readonly own: boolean;
  /** Stays the same when the message is sent again. */
  readonly key: string | undefined;
  readonly text: string;
  /** `sending`: a message waits while the session reconnects. */
  readonly status: 'sending' | 'sent' | 'failed';
}

/** Maximum of repetitions of a message that a crash interrupted. */
const ATTEMPTS = 5;

/** Chat of the participants, as signals of type `chat`. */
export class Chat extends Observable {
  /** Oldest first. */
  messages: readonly ChatMessage[] = [];
  #session: Session | undefined;
  /** Keys of others' messages: a repeated message may have arrived the first time. */
  readonly #known = new Set<string>();
  #count = 0;

  /** Continues with another session; the messages stay. */
  attach(session: Session): void {
    this.#session = session;
    session.on('signal:chat', ({ data, from }) => {
      // Skip own messages, which were added when they were written.
      if (from !== undefined && from === session.connection) return;
      const { key, text } = wordsOf(data ?? '');
      if (key !== undefined && this.#known.has(key)) return;
      if (key !== undefined) this.#known.add(key);
      this.#add(from ? nameOf(from) : 'Server', false, key, text, 'sent');
    });
  }

  clear(): void {
    this.#session = undefined;
    this.messages = [];
    this.#known.clear();
    this.changed();
  }

  async send(author: string, text: string): Promise<void> {
    await this.#deliver(this.#add(author, true, crypto.getRandomValues(new Uint32Array(2)).join('-'), text, 'sending'));
  }

  /** Sends a failed message again. */
  async sendAgain(message: ChatMessage): Promise<void> {
    this.#mark(message, 'sending');
    await this.#deliver(message);
  }

  async #deliver(message: ChatMessage): Promise<void> {
    const { key, text } = message;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        if (!this.#session) break;
        await this.#session.signal({ type: 'chat', data: JSON.stringify({ key, text }) });
        return this.#mark(message, 'sent');
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'SESSION_DESTROYED')) break;
      }
    }
    this.#mark(message, 'failed');
  }

  #add(
    author: string,
    own: boolean,
    key: string | undefined,
    text: string,
    status: ChatMessage['status'],
  ): ChatMessage {
    this.#count += 1;
    const message = { id: this.#count, at: Date.now(), author, own, key, text, status };
    this.messages = [...this.messages, message];
    this.changed();
    return message;
  }

  #mark({ id }: ChatMessage, status: ChatMessage['status']): void {
    this.messages = this.messages.map((message) => (message.id === id ? { ...message, status } : message));
    this.changed();
  }
}

/** A message of this page is `{"key": "…", "text": "…"}`; other clients may send plain text. */
function wordsOf(data: string): { key: string | undefined; text: string } {
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed === 'object' && parsed !== null && 'text' in parsed && typeof parsed.text === 'string') {
      const key = 'key' in parsed && typeof parsed.key === 'string' ? parsed.key : undefined;
      return { key, text: parsed.text };
    }
  } catch {
    // The message is plain text.
  }
  return { key: undefined, text: data };
}
