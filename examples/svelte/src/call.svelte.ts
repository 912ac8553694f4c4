import { type Publisher, Rejoin, RejoinError, type Session, type Subscriber } from 'rejoin';
import { fetchToken } from './fetch-token.ts';

export type CallState = 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';

/**
 * A call in a room, from its making until `leave()`. The streams in it outlive the crash of a server: the same `subscribers`
 * and `publisher` go on, so nothing has to be done about a crash but to show it.
 */
export class Call {
  /** This page's camera and microphone. */
  readonly publisher: Publisher;
  readonly #session: Session;
  #state = $state<CallState>('joining');
  #isPublished = $state(false);
  // Raw: the SDK's objects change by themselves and tell it by events.
  #subscribers = $state.raw<readonly Subscriber[]>([]);
  #problem = $state.raw<RejoinError>();

  constructor(room: string, name: string) {
    const rejoin = new Rejoin();
    const session = rejoin.initSession();
    this.#session = session;
    this.publisher = rejoin.initPublisher();
    session.on('streamCreated', ({ stream }) => {
      this.#subscribers = [...this.#subscribers, session.subscribe(stream)];
    });
    session.on('streamDestroyed', ({ stream }) => {
      this.#subscribers = this.#subscribers.filter((one) => one.stream !== stream);
    });
    const become = (next: CallState) => () => {
      this.#state = next;
    };
    session.on('reconnecting', become('reconnecting'));
    session.on('rebuilding', become('rebuilding'));
    session.on('reconnected', become('joined'));
    session.on('rebuilt', become('joined'));
    session.on('sessionDisconnected', () => {
      this.#state = 'ended';
      this.#isPublished = false;
      this.#subscribers = [];
    });
    void this.#join(room, name);
  }

  get state() {
    return this.#state;
  }

  /** Whether the others receive the publisher. */
  get isPublished() {
    return this.#isPublished;
  }

  /** The others' streams. */
  get subscribers() {
    return this.#subscribers;
  }

  /** The last error. Decide by its `name`. */
  get problem() {
    return this.#problem;
  }

  /** Ends whatever has begun, also a camera that is not open yet. */
  leave() {
    this.#session.disconnect();
    this.publisher.dispose();
  }

  async #join(room: string, name: string) {
    try {
      await this.#session.connect(() => fetchToken(room, name));
      this.#state = 'joined';
      await this.#session.publish(this.publisher);
      this.#isPublished = true;
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      // Without a camera the others can still be seen; without a session the call is over.
      if (this.#state === 'joining') this.#state = 'ended';
      this.#problem = error;
    }
  }
}
