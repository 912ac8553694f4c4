import type { Session } from '../../src/client/index.ts';
import { Observable } from './observable.ts';
import { nameOf } from './person-name.ts';

export interface ChatMessage {
  readonly id: number;
  /** Unix time, ms. */
  readonly at: number;
  readonly author: string;
  readonly own: boolean;
  readonly text: string;
  /** `sending`: while the session comes back, what is sent waits. */
  readonly status: 'sending' | 'sent' | 'failed';
}

/** Words between the people in the room, as signals of type `chat`. */
export class Chat extends Observable {
  /** Oldest first. */
  messages: readonly ChatMessage[] = [];
  #session: Session | undefined;
  #count = 0;

  /** Another session: the messages stay. */
  attach(session: Session): void {
    this.#session = session;
    session.on('signal:chat', ({ data, from }) => {
      // One's own words are here since they were written.
      if (from !== undefined && from === session.connection) return;
      this.#add(from ? nameOf(from) : 'Server', false, data ?? '', 'sent');
    });
  }

  clear(): void {
    this.#session = undefined;
    this.messages = [];
    this.changed();
  }

  async send(author: string, text: string): Promise<void> {
    await this.#deliver(this.#add(author, true, text, 'sending'), text);
  }

  /** Sends once more what could not be sent. */
  async sendAgain({ id, text }: ChatMessage): Promise<void> {
    this.#mark(id, 'sending');
    await this.#deliver(id, text);
  }

  async #deliver(id: number, text: string): Promise<void> {
    try {
      if (!this.#session) throw new Error('There is no session.');
      await this.#session.signal({ type: 'chat', data: text });
      this.#mark(id, 'sent');
    } catch {
      this.#mark(id, 'failed');
    }
  }

  #add(author: string, own: boolean, text: string, status: ChatMessage['status']): number {
    this.#count += 1;
    this.messages = [...this.messages, { id: this.#count, at: Date.now(), author, own, text, status }];
    this.changed();
    return this.#count;
  }

  #mark(id: number, status: ChatMessage['status']): void {
    this.messages = this.messages.map((message) => (message.id === id ? { ...message, status } : message));
    this.changed();
  }
}
