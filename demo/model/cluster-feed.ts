import type { ClusterState } from './cluster-state.ts';
import { fetchWithKey } from './page-key.ts';

/** Receives the state of the cluster; `undefined` when the feed breaks. */
export type TellCluster = (state: ClusterState | undefined) => void;

/** The server repeats the state every second, so this much silence means a broken feed. */
const SILENCE_MS = 3_000;
const AGAIN_MS = 500;

/**
 * The cluster's state, until the feed is closed. It reconnects after every loss. It uses `fetch`, because an
 * EventSource cannot send the page's key.
 */
export class ClusterFeed {
  readonly #url: string;
  readonly #tell: TellCluster;
  #reading: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, tell: TellCluster) {
    this.#url = `demo/api/cluster?${new URLSearchParams({ room })}`;
    this.#tell = tell;
    this.#open();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#reading?.abort();
  }

  #open(): void {
    const reading = new AbortController();
    this.#reading = reading;
    this.#againAfter(SILENCE_MS);
    const lost = (): void => {
      if (reading.signal.aborted) return;
      this.#tell(undefined);
      this.#againAfter(AGAIN_MS);
    };
    void this.#read(reading.signal).then(lost, lost);
  }

  /** Resolves when the stream ends. */
  async #read(signal: AbortSignal): Promise<void> {
    const { ok, body } = await fetchWithKey(this.#url, { signal, cache: 'no-store' });
    if (!ok || !body) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      const events = (rest + value).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) this.#take(event);
    }
  }

  #take(event: string): void {
    this.#againAfter(SILENCE_MS);
    this.#tell(JSON.parse(event.slice('data: '.length)) as ClusterState);
  }

  #againAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#reading?.abort();
      this.#tell(undefined);
      this.#open();
    }, ms);
  }
}
