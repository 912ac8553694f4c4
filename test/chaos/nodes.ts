import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import type { LogLine } from './lineage.ts';

const LOOK_MS = 500;
const CALL_MS = 3_000;
const MEGABYTE = 1024 * 1024;

/** Metrics that must be 0 when all participants have left. */
const LEFTOVERS = [
  'rejoin_sessions',
  'rejoin_connections',
  'rejoin_sockets',
  'rejoin_media_rooms',
  'rejoin_media_transports',
  'rejoin_media_producers',
  'rejoin_media_consumers',
];

/** The nodes of a cluster from outside: their logs, memory and remaining state. */
export class Nodes {
  readonly #running: RunningCluster;

  constructor(running: RunningCluster) {
    this.#running = running;
  }

  /** Waits up to `patienceMs` until the nodes hold nothing; returns the leaks. */
  async leftovers(patienceMs: number): Promise<string[]> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const held = await this.#held();
      if (held.length === 0 || performance.now() > until) return held;
      await delay(LOOK_MS);
    }
  }

  /** Resident memory of each node, MB. */
  async memory(): Promise<Record<string, number>> {
    const metrics = await this.#metrics();
    return Object.fromEntries(
      metrics.map(([id, values]) => [id, Math.round((values?.get('process_resident_memory_bytes') ?? 0) / MEGABYTE)]),
    );
  }

  /** The log lines of all nodes about sessions. */
  log(): LogLine[] {
    return this.#running.cluster
      .nodes()
      .flatMap(({ id }) => this.#running.log(id))
      .flatMap((line) => ('session' in line ? [line as unknown as LogLine] : []));
  }

  async #held(): Promise<string[]> {
    const metrics = await this.#metrics();
    return metrics.flatMap(([id, values]) => {
      if (!values) return [`${id} does not report its metrics`];
      return LEFTOVERS.filter((name) => (values.get(name) ?? 0) > 0).map(
        (name) => `${id}: ${name} ${values.get(name)}`,
      );
    });
  }

  /** `undefined` for a node that does not answer now. */
  #metrics(): Promise<[id: string, values: Map<string, number> | undefined][]> {
    return Promise.all(
      this.#running.cluster
        .nodes()
        .map(async ({ id, internalUrl }): Promise<[string, Map<string, number> | undefined]> => {
          try {
            const answer = await fetch(`${internalUrl}/metrics`, { signal: AbortSignal.timeout(CALL_MS) });
            return [id, parseMetrics(await answer.text())];
          } catch {
            return [id, undefined];
          }
        }),
    );
  }
}

/** The values of a Prometheus text without labels except the node's. */
export function parseMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([a-z_]+)(?:\{node="[^"]*"\})? (\S+)$/.exec(line);
    if (found?.[1] && found[2]) values.set(found[1], Number(found[2]));
  }
  return values;
}
