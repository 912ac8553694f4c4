import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from './identity.ts';
import { type InternalClient, PeerError } from './internal-client.ts';
import type { LiveBeat, LiveHello, LiveMessage, LiveNews } from './live-feed.ts';

export interface LiveLinkEvents {
  /** The node answers, for the first time or as a new instance. */
  up: [LiveHello];
  beat: [LiveBeat];
  news: [LiveNews];
  /** This instance is gone, or silent for the verdict time. Said once for an instance. */
  dead: [InstanceId, 'refused' | 'replaced' | 'silent'];
}

/** Pause before a broken stream is opened again while the node is alive, and between attempts while it is not. */
const RETRY_MS = 100;

/**
 * The listening end of liveness. A broken or silent stream proves nothing, so it is confirmed by a probe before anyone
 * is told: refused or answered by another instance means dead, unanswered within the verdict time is taken for dead
 * (and fencing makes a mistake harmless), answered by the same instance means a blip, and the stream is opened again.
 */
export class LiveLink extends EventEmitter<LiveLinkEvents> {
  readonly url: string;
  readonly #client: InternalClient;
  readonly #who: InstanceId;
  readonly #beatMs: number;
  readonly #verdictMs: number;
  readonly #closed = new AbortController();
  #instance: InstanceId | undefined;
  #heardAt = 0;
  #confirming: Promise<boolean> | undefined;

  constructor(
    url: string,
    who: InstanceId,
    client: InternalClient,
    { beatMs, verdictMs }: { readonly beatMs: number; readonly verdictMs: number },
  ) {
    super();
    this.url = url;
    this.#who = who;
    this.#client = client;
    this.#beatMs = beatMs;
    this.#verdictMs = verdictMs;
    void this.#run();
  }

  /** The instance that is known to be alive. */
  get instance(): InstanceId | undefined {
    return this.#instance;
  }

  /**
   * Asks the node now, because a call to it failed. Resolves `true` when the instance known is dead, after `dead` has
   * been emitted.
   */
  confirm(): Promise<boolean> {
    this.#confirming ??= this.#probe().finally(() => {
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
      if (this.#instance) await this.confirm();
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Reads the stream until it ends, breaks or falls silent. */
  async #listen(): Promise<void> {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    this.#closed.signal.addEventListener('abort', stop);
    // Half the verdict time for noticing, the other half for the probe.
    const lookMs = this.#beatMs / 2;
    let lookedAt = performance.now();
    const silence = setInterval(() => {
      const now = performance.now();
      // Who has been asleep itself has heard nobody: the others get their time from here on.
      if (now - lookedAt > lookMs + this.#beatMs) this.#heardAt = now;
      lookedAt = now;
      if (now - this.#heardAt > Math.max(this.#verdictMs / 2, this.#beatMs * 1.5)) attempt.abort();
    }, lookMs);
    try {
      this.#heardAt = performance.now();
      let rest = '';
      const decoder = new TextDecoder();
      const body = await this.#client.stream(`${this.url}/internal/live?who=${this.#who}`, attempt.signal);
      for await (const chunk of body) {
        this.#heardAt = performance.now();
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.#take(JSON.parse(line) as LiveMessage);
      }
    } catch {
      // What a broken stream means is for the probe to say.
    } finally {
      clearInterval(silence);
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  #take(message: LiveMessage): void {
    switch (message.kind) {
      case 'hello':
        if (this.#instance === message.instance) return;
        this.#bury('replaced');
        this.#instance = message.instance;
        this.emit('up', message);
        return;
      case 'beat':
        this.emit('beat', message);
        return;
      case 'news':
        this.emit('news', message);
        return;
    }
  }

  async #probe(): Promise<boolean> {
    const suspect = this.#instance;
    if (!suspect) return true;
    const left = Math.max(this.#verdictMs - (performance.now() - this.#heardAt), this.#verdictMs / 2);
    try {
      const answering = await this.#client.ping(this.url, left);
      if (answering === suspect) {
        this.#heardAt = performance.now();
        return false;
      }
      if (this.#instance === suspect) this.#bury('replaced');
    } catch (error) {
      if (this.#closed.signal.aborted) return false;
      const silent = error instanceof PeerError && error.failure === 'timeout';
      if (this.#instance === suspect) this.#bury(silent ? 'silent' : 'refused');
    }
    return true;
  }

  #bury(how: 'refused' | 'replaced' | 'silent'): void {
    const instance = this.#instance;
    if (!instance) return;
    this.#instance = undefined;
    this.emit('dead', instance, how);
  }
}
