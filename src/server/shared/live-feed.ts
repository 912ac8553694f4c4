import { PassThrough } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ClusterId, Identity, InstanceId, NodeRole } from './identity.ts';

/** The first line of a liveness stream. */
export interface LiveHello {
  readonly kind: 'hello';
  readonly id: string;
  readonly instance: InstanceId;
  readonly role: NodeRole;
  /** Missing from processes of older versions. */
  readonly cluster?: ClusterId | undefined;
  /** Unix time, ms. */
  readonly startedAt: number;
}

/** Sent every `beatMs`, and at once after a change that other nodes should know. */
export interface LiveBeat {
  readonly kind: 'beat';
  /** 0 to 100. */
  readonly load: number;
  readonly ready: boolean;
  /** The node takes nothing new, and ends when its present sessions have ended. Default: false. */
  readonly retires?: boolean;
  /** Counts that the demo page shows, such as sessions and sockets. */
  readonly facts: Readonly<Record<string, number | string>>;
}

/** Something that happened at the node, e.g. `roomLost` at a media node. */
export interface LiveNews {
  readonly kind: 'news';
  readonly news: string;
  readonly data: unknown;
}

export type LiveMessage = LiveHello | LiveBeat | LiveNews;

interface Listener {
  readonly stream: PassThrough;
  readonly who: InstanceId;
}

/** A listener with this much unread data is stuck and is dropped. It reconnects when it can. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * The sending end of liveness. `GET /internal/live` answers with an endless stream of JSON lines. It breaks at once when this process
 * dies, so a crash is known within milliseconds.
 */
export class LiveFeed {
  readonly #identity: Identity;
  readonly #facts: () => Omit<LiveBeat, 'kind'>;
  readonly #listeners = new Set<Listener>();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = Date.now();
  readonly #changed: (who: InstanceId, listening: boolean) => void;

  /** `changed` is called when a node, named by its signature, starts or stops listening. */
  constructor(
    identity: Identity,
    beatMs: number,
    facts: () => Omit<LiveBeat, 'kind'>,
    changed: (who: InstanceId, listening: boolean) => void = () => {},
  ) {
    this.#identity = identity;
    this.#facts = facts;
    this.#changed = changed;
    this.#timer = setInterval(() => this.beat(), beatMs);
  }

  register(app: FastifyInstance): void {
    app.get('/internal/live', (request, reply) => {
      const listener: Listener = { stream: new PassThrough(), who: request.caller };
      this.#listeners.add(listener);
      listener.stream.on('close', () => this.#drop(listener));
      request.raw.on('close', () => this.#drop(listener));
      const { id, instance, role, cluster } = this.#identity;
      this.#write(listener, { kind: 'hello', id, instance, role, cluster, startedAt: this.#startedAt });
      this.#write(listener, { kind: 'beat', ...this.#facts() });
      this.#changed(listener.who, true);
      return reply.type('application/x-ndjson').send(listener.stream);
    });
  }

  beat(): void {
    this.#broadcast({ kind: 'beat', ...this.#facts() });
  }

  tell(news: string, data: unknown): void {
    this.#broadcast({ kind: 'news', news, data });
  }

  isListening(who: InstanceId): boolean {
    for (const listener of this.#listeners) if (listener.who === who) return true;
    return false;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { stream } of this.#listeners) stream.end();
  }

  #broadcast(message: LiveMessage): void {
    for (const listener of this.#listeners) this.#write(listener, message);
  }

  #write(listener: Listener, message: LiveMessage): void {
    if (listener.stream.writableLength > MAX_UNREAD_BYTES) return this.#drop(listener);
    listener.stream.write(`${JSON.stringify(message)}\n`);
  }

  #drop(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return;
    listener.stream.destroy();
    if (!this.isListening(listener.who)) this.#changed(listener.who, false);
  }
}
