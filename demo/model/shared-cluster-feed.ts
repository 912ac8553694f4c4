import { ClusterFeed, type TellCluster } from './cluster-feed.ts';
import type { ClusterState } from './cluster-state.ts';

/** Longer than the feed's own limit, because the feed detects a failure first. */
const SILENCE_MS = 4_500;

/**
 * One feed for all tabs of a room: the tab that holds the lock reads the feed and forwards it. Browsers open at most
 * six connections to a server, so six tabs with separate feeds would block everything else.
 */
export class SharedClusterFeed {
  readonly #room: string;
  readonly #tell: TellCluster;
  readonly #channel: BroadcastChannel;
  readonly #closing = new AbortController();
  #feed: ClusterFeed | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, tell: TellCluster) {
    this.#room = room;
    this.#tell = tell;
    const name = `rejoin-demo-cluster-${room}`;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<ClusterState | undefined>) => this.#take(data);
    // Browsers offer locks only to pages that are served securely.
    if ('locks' in navigator) void this.#waitForTurn(name);
    else this.#read();
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#channel.close();
    this.#feed?.close();
    this.#closing.abort();
  }

  async #waitForTurn(name: string): Promise<void> {
    const { signal } = this.#closing;
    const held = async (): Promise<void> => {
      this.#read();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    // Closing aborts the request, which then rejects.
    await navigator.locks.request(name, { signal }, held).catch(() => {});
  }

  #read(): void {
    this.#feed = new ClusterFeed(this.#room, (state) => {
      this.#channel.postMessage(state);
      this.#take(state);
    });
  }

  #take(state: ClusterState | undefined): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#tell(undefined), SILENCE_MS);
    this.#tell(state);
  }
}
