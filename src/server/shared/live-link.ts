import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from './identity.ts';
import { type InternalClient, PeerError } from './internal-client.ts';
import type { LiveBeat, LiveHello, LiveMessage, LiveNews } from './live-feed.ts';

/** How a node was found dead. After `silent` it may return. */
export type DeadHow = 'refused' | 'replaced' | 'silent';

export interface LiveLinkEvents {
  /** The node answers: for the first time, as a new instance, or after it could not be reached. */
  up: [LiveHello];
  beat: [LiveBeat];
  news: [LiveNews];
  /** This instance is gone, or has been silent until the verdict. Emitted once per instance. */
  dead: [InstanceId, DeadHow];
  /** This instance is alive according to other nodes but cannot be reached from here. `up` or `dead` follows. */
  unreachable: [InstanceId];
  /** The stream of this instance broke or fell silent, and a probe was not answered at once: it may be dead. */
  doubted: [InstanceId];
  /** The process there refuses this one, for another reason than before. */
  turnedAway: [PeerError];
}

export interface LiveLinkOptions {
  readonly beatMs: number;
  readonly verdictMs: number;
  /** Whether other nodes reach an instance that does not answer here. Default: they aren't asked. */
  readonly isReachedByOthers?: (instance: InstanceId, withinMs: number) => Promise<boolean>;
}

/**
 * | standing    | entered by                                                          |
 * | unknown     | the start; `dead`                                                   |
 * | alive       | the hello of a stream                                               |
 * | unreachable | a probe that fails here, although other nodes reach the instance    |
 */
type Standing =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'alive'; readonly instance: InstanceId }
  | { readonly kind: 'unreachable'; readonly instance: InstanceId };

/** Interval of the check whether the stream has fallen silent, ms. */
const LOOK_MS = 100;
/** If a probe is answered within this time, the node is not doubted. */
const DOUBT_MS = 150;
/** Delay before a broken stream is reopened, ms. */
const RETRY_MS = 100;
/** A reset connection says nothing about the process. If the process is gone, a new connection is refused. */
const RESET_TRIES = 3;
const RESET_PAUSE_MS = 10;

/**
 * The receiving end of liveness. A broken or silent stream proves nothing, so a probe confirms it before anything is emitted:
 *
 * - The connection is refused, or another instance answers: the node is dead.
 * - There is no answer within the verdict time, here or at other nodes: the node counts as dead. Fencing makes a mistake harmless.
 * - The same instance answers: the stream is reopened.
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

  /** The instance that is alive and heard here. */
  get instance(): InstanceId | undefined {
    return this.#standing.kind === 'alive' ? this.#standing.instance : undefined;
  }

  /** The instance that is alive but cannot be reached from here. */
  get unreachable(): InstanceId | undefined {
    return this.#standing.kind === 'unreachable' ? this.#standing.instance : undefined;
  }

  /** Whether the node has been silent for longer than its beats allow, or is being probed. */
  get isDoubted(): boolean {
    const { beatMs } = this.#options;
    return this.#confirming !== undefined || performance.now() - this.#heardAt > beatMs * 1.2;
  }

  /**
   * Probes the node now, because a call to it has failed. Resolves to `true` if the known instance is dead, after `dead` has been
   * emitted.
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
    // Half of the verdict time is for noticing the silence, the other half for the probe.
    const silentMs = Math.max(verdictMs / 2 - LOOK_MS, beatMs * 1.2);
    let lookedAt = performance.now();
    const silence = setInterval(() => {
      const now = performance.now();
      // A process that was asleep has heard no node, so start counting from now.
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
      // The probe finds out what the broken stream means.
      if (error instanceof PeerError) this.#noteRefusal(error);
    } finally {
      clearInterval(silence);
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  #take(message: LiveMessage): void {
    switch (message.kind) {
      case 'hello': {
        // When the stream is reopened, its request names this process's cluster, so that the other side refuses it.
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
    // Ask in parallel with the probe: both share the verdict time.
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
    // Meanwhile a new instance may have said hello, which buried this one.
    if (now.kind === 'unknown' || now.instance !== suspect) return true;
    if (!lives) {
      this.#bury(found);
      return true;
    }
    // A stream that still delivers would hide that the other direction is broken, so a new one must be opened.
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
        // The process there uses another store, so it is not the suspect.
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
    // If a new instance's hello replaces it, the stream already belongs to the new instance.
    if (how !== 'replaced') this.#stream?.abort();
    this.emit('dead', standing.instance, how);
  }
}
