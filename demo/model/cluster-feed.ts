import type { ClusterState } from './cluster-state.ts';

/** News of the cluster; `undefined` when they break off. */
export type TellCluster = (state: ClusterState | undefined) => void;

/** The server repeats itself every second: this much silence means that it is cut off. */
const SILENCE_MS = 3_000;
const AGAIN_MS = 500;

/** The cluster's news, from when it is made to when it is closed. Comes back after every loss. */
export class ClusterFeed {
  readonly #url: string;
  readonly #tell: TellCluster;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, tell: TellCluster) {
    this.#url = `/demo/api/cluster?${new URLSearchParams({ room })}`;
    this.#tell = tell;
    this.#open();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #open(): void {
    const source = new EventSource(this.#url);
    this.#source = source;
    this.#againAfter(SILENCE_MS);
    source.onmessage = ({ data }: MessageEvent<string>) => {
      this.#againAfter(SILENCE_MS);
      this.#tell(JSON.parse(data) as ClusterState);
    };
    // The browser itself tries again only where the server had answered well before.
    source.onerror = () => {
      source.close();
      this.#tell(undefined);
      this.#againAfter(AGAIN_MS);
    };
  }

  #againAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#source?.close();
      this.#tell(undefined);
      this.#open();
    }, ms);
  }
}
