import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from './identity.ts';
import { type InternalClient, PeerError } from './internal-client.ts';
import type { LiveBeat, LiveHello, LiveMessage, LiveNews } from './live-feed.ts';

/** How a node was found dead. `silent`: it may be back. */
export type DeadHow = 'refused' | 'replaced' | 'silent';

export interface LiveLinkEvents {
  /** The node answers, for the first time, as a new instance, or again after it could not be reached. */
  up: [LiveHello];
  beat: [LiveBeat];
  news: [LiveNews];
  /** This instance is gone, or silent for the verdict time. Said once for an instance. */
  dead: [InstanceId, DeadHow];
  /** This instance lives, as others say, and cannot be reached from here. `up` or `dead` follows. */
  unreachable: [InstanceId];
  /** The stream of this instance broke or fell silent, and a probe is not answered at once: it may be dead. */
  doubted: [InstanceId];
  /** A process answers and refuses to deal with this one, for another reason than the last time. */
  turnedAway: [PeerError];
}

export interface LiveLinkOptions {
  readonly beatMs: number;
  readonly verdictMs: number;
  /** Whether others reach an instance that does not answer here. Default: nobody is asked. */
  readonly isReachedByOthers?: (instance: InstanceId, withinMs: number) => Promise<boolean>;
}

/**
 * | standing    | becomes by                                                                      |
 * | unknown     | the start; `dead`                                                               |
 * | alive       | the hello of a stream                                                           |
 * | unreachable | no answer to a probe, while others are answered; a new stream makes it alive     |
 */
type Standing =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'alive'; readonly instance: InstanceId }
  | { readonly kind: 'unreachable'; readonly instance: InstanceId };

/** How often it is looked whether the stream has fallen silent, ms. */
const LOOK_MS = 100;
/** A probe that is answered sooner leaves no doubt. */
const DOUBT_MS = 150;
/** Pause before a broken stream is opened again while the node is alive, and between attempts while it is not. */
const RETRY_MS = 100;
/** A connection that was reset says nothing of the process behind it; a new one is refused if that is gone. */
const RESET_TRIES = 3;
const RESET_PAUSE_MS = 10;

/**
 * The listening end of liveness. A broken or silent stream proves nothing, so it is confirmed by a probe before anyone
 * is told: refused or answered by another instance means dead; unanswered within the verdict time, here and by those who are
 * asked to try as well, is taken for dead (and fencing makes a mistake harmless); answered by the same instance means a
 * blip, and the stream is opened again.
 */
export class LiveLink extends EventEmitter<LiveLinkEvents> {
  readonly url: string;
  readonly #client: InternalClient;
  readonly #options: LiveLinkOptions;
  readonly #closed = new AbortController();
  #standing: Standing = { kind: 'unknown' };
  #heardAt = 0;
  #stream: AbortController | undefined;
  #confirming: Promise<boolean> | undefined;
  #refusal: string | undefined;

  constructor(url: string, client: InternalClient, options: LiveLinkOptions) {
    super();
    this.url = url;
    this.#client = client;
    this.#options = options;
    void this.#run();
  }

  /** The instance that is known to be alive, and heard. */
  get instance(): InstanceId | undefined {
    return this.#standing.kind === 'alive' ? this.#standing.instance : undefined;
  }

  /** The instance that lives and is not heard here. */
  get unreachable(): InstanceId | undefined {
    return this.#standing.kind === 'unreachable' ? this.#standing.instance : undefined;
  }

  /** Whether the node has been silent for longer than its beats allow, or is being probed. */
  get isDoubted(): boolean {
    const { beatMs } = this.#options;
    return this.#confirming !== undefined || performance.now() - this.#heardAt > beatMs * 1.2;
  }

  /**
   * Asks the node now, because a call to it failed. Resolves `true` when the instance known is dead, after `dead` has
   * been emitted.
   */
  confirm(): Promise<boolean> {
    this.#confirming ??= this.#confirm().finally(() => {
      this.#confirming = undefined;
    });
    return this.#confirming;
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#listen();
      if (signal.aborted) return;
      if (this.#standing.kind !== 'unknown') await this.confirm();
      const pauseMs = this.#standing.kind === 'unreachable' ? this.#options.beatMs : RETRY_MS;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Reads the stream until it ends, breaks or falls silent. */
  async #listen(): Promise<void> {
    const { beatMs, verdictMs } = this.#options;
    const attempt = new AbortController();
    this.#stream = attempt;
    const stop = (): void => attempt.abort();
    this.#closed.signal.addEventListener('abort', stop);
    // Half the verdict time for noticing, the other half for the probe. Without a beat for so long it is silent.
    const silentMs = Math.max(verdictMs / 2 - LOOK_MS, beatMs * 1.2);
    let lookedAt = performance.now();
    const silence = setInterval(() => {
      const now = performance.now();
      // A process that has been asleep has heard nobody: the others get their time from here on.
      if (now - lookedAt > LOOK_MS + beatMs / 2) this.#heardAt = now;
      lookedAt = now;
      if (now - this.#heardAt > silentMs) attempt.abort();
    }, LOOK_MS);
    try {
      this.#heardAt = performance.now();
      let rest = '';
      const decoder = new TextDecoder();
      const body = await this.#client.stream(`${this.url}/internal/live`, attempt.signal);
      for await (const chunk of body) {
        if (attempt.signal.aborted) return;
        this.#heardAt = performance.now();
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#take(JSON.parse(line) as LiveMessage);
      }
    } catch (error) {
      // What a broken stream means is for the probe to say.
      if (error instanceof PeerError) this.#noteRefusal(error);
    } finally {
      clearInterval(silence);
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  #take(message: LiveMessage): void {
    switch (message.kind) {
      case 'hello': {
        // The next stream tells the other side which cluster this process belongs to, so that it says no by itself.
        if (!this.#client.belongsTo(message.cluster)) return this.#stream?.abort();
        this.#refusal = undefined;
        const standing = this.#standing;
        const same = standing.kind !== 'unknown' && standing.instance === message.instance;
        if (same && standing.kind === 'alive') return;
        if (!same) this.#bury('replaced');
        this.#standing = { kind: 'alive', instance: message.instance };
        this.emit('up', message);
        return;
      }
      case 'beat':
        this.emit('beat', message);
        return;
      case 'news':
        this.emit('news', message);
        return;
    }
  }

  #noteRefusal(error: PeerError): void {
    const { failure, said } = error;
    if (failure !== 'unauthorized' && failure !== 'otherCluster') return;
    const refusal = `${failure}: ${said}`;
    if (refusal === this.#refusal) return;
    this.#refusal = refusal;
    this.emit('turnedAway', error);
  }

  async #confirm(): Promise<boolean> {
    const before = this.#standing;
    if (before.kind === 'unknown') return true;
    const suspect = before.instance;
    const { verdictMs } = this.#options;
    const withinMs = Math.max(verdictMs - (performance.now() - this.#heardAt), verdictMs / 2);
    const doubt = setTimeout(() => {
      if (this.#standing.kind === 'alive') this.emit('doubted', suspect);
    }, DOUBT_MS);
    // Both at once, as the time for a verdict is one.
    const others = this.#options.isReachedByOthers?.(suspect, withinMs) ?? Promise.resolve(false);
    const found = await this.#probe(suspect, withinMs);
    clearTimeout(doubt);
    if (this.#closed.signal.aborted) return false;
    if (found === 'answers') {
      this.#heardAt = performance.now();
      return false;
    }
    const lives = found === 'silent' && (await others);
    const now = this.#standing;
    // A new instance may have said hello meanwhile, and buried this one.
    if (now.kind === 'unknown' || now.instance !== suspect) return true;
    if (!lives) {
      this.#bury(found);
      return true;
    }
    // A stream that still brings something would hide that nothing goes the other way: a new one has to be opened.
    this.#stream?.abort();
    this.#standing = { kind: 'unreachable', instance: suspect };
    if (now.kind === 'alive') this.emit('unreachable', suspect);
    return false;
  }

  async #probe(suspect: InstanceId, withinMs: number): Promise<'answers' | DeadHow> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#client.ping(this.url, withinMs)) === suspect ? 'answers' : 'replaced';
      } catch (error) {
        const failure = error instanceof PeerError ? error.failure : 'failed';
        if (failure === 'refused') return 'refused';
        // The process there has another store, so it is not the suspect.
        if (failure === 'otherCluster') return 'replaced';
        if (failure !== 'broken' || attempt === RESET_TRIES || this.#closed.signal.aborted) return 'silent';
        await delay(RESET_PAUSE_MS);
      }
    }
  }

  #bury(how: DeadHow): void {
    const standing = this.#standing;
    if (standing.kind === 'unknown') return;
    this.#standing = { kind: 'unknown' };
    // Unless it is the hello of a new instance that tells: then the stream is the new one's.
    if (how !== 'replaced') this.#stream?.abort();
    this.emit('dead', standing.instance, how);
  }
}
