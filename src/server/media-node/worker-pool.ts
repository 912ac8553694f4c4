import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Logger } from '../shared/logging.ts';
import type { MediaAddress } from './media-addresses.ts';
import { MediaWorker, type MediaWorkerOptions } from './media-worker.ts';
import { findSetsid } from './worker-process.ts';

export interface WorkerPoolOptions {
  readonly workers: number;
  readonly rtcPorts: { readonly min: number; readonly max: number };
  /** The addresses for a worker that starts now. */
  readonly addresses: () => Promise<readonly MediaAddress[]>;
  readonly workerBin?: string | undefined;
  /** Interval between two checks of the workers, ms. */
  readonly lookMs: number;
  /** A worker that is silent for this long counts as hung and is ended, ms. */
  readonly verdictMs: number;
  readonly log: Logger;
}

export interface WorkerPoolEvents {
  /** A worker has ended or has been replaced. */
  changed: [];
}

/** Delay before another start of a worker that failed to start or lived only briefly, ms. */
const RETRY_MS = 1_000;
const SHORT_LIFE_MS = 10_000;
/** Loads count in steps of this many percent of a core; within a step, the number of rooms decides. */
const LOAD_STEP = 10;

/** The workers of a media node. A worker that dies or hangs is replaced; its rooms are lost. */
export class WorkerPool extends EventEmitter<WorkerPoolEvents> {
  readonly #options: WorkerPoolOptions;
  readonly #setsid: string | undefined;
  readonly #log: Logger;
  readonly #workers = new Map<number, MediaWorker>();
  readonly #lostAt = new Map<number, number>();
  readonly #closing = new AbortController();
  #looking: NodeJS.Timeout | undefined;

  /** @throws {MediaNodeError} when a worker cannot be started */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const setsid = await findSetsid();
    if (!setsid) options.log.warn('setsid is not installed, so a Ctrl-C in this terminal ends media at once.');
    const pool = new WorkerPool(options, setsid);
    const places = Array.from({ length: options.workers }, (_, place) => pool.#fill(place));
    const failed = (await Promise.allSettled(places)).find((started) => started.status === 'rejected');
    if (!failed) return pool;
    await pool.close();
    throw failed.reason;
  }

  private constructor(options: WorkerPoolOptions, setsid: string | undefined) {
    super();
    this.#options = options;
    this.#setsid = setsid;
    this.#log = options.log;
    const patience = Math.max(2, Math.ceil(options.verdictMs / options.lookMs));
    this.#looking = setInterval(() => {
      for (const worker of this.#workers.values()) worker.look(patience);
    }, options.lookMs);
  }

  /** The number of workers that can take rooms. */
  get size(): number {
    return this.#workers.size;
  }

  /** Mean load of the workers, 0 to 100. */
  get load(): number {
    const loads = [...this.#workers.values()].map(({ load }) => load);
    return loads.length === 0 ? 100 : loads.reduce((sum, load) => sum + load, 0) / loads.length;
  }

  /**
   * The worker for another room. Among equally loaded ones, it is the one with the fewest rooms, because a new room causes no load
   * yet.
   * @throws {ProtocolError} UNAVAILABLE when there is no worker at the moment
   */
  leastLoaded(): MediaWorker {
    const step = ({ load }: MediaWorker): number => Math.floor(load / LOAD_STEP);
    const [best] = [...this.#workers.values()].sort((a, b) => step(a) - step(b) || a.rooms - b.rooms);
    if (!best) throw new ProtocolError('UNAVAILABLE', 'the media node has no worker at the moment');
    return best;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#looking);
    this.#looking = undefined;
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.close()));
  }

  async #fill(place: number): Promise<void> {
    const { workerBin } = this.#options;
    const addresses = await this.#options.addresses();
    const options: MediaWorkerOptions = {
      workerBin,
      setsid: this.#setsid,
      addresses,
      rtcPorts: this.#portsFor(place),
    };
    const worker = await MediaWorker.start(options);
    if (this.#closing.signal.aborted) return worker.close();
    worker.once('gone', (reason) => void this.#replace(place, worker, reason));
    this.#workers.set(place, worker);
    this.#log.info({ worker: worker.pid, port: worker.port, addresses }, 'Started a media worker.');
    this.emit('changed');
  }

  /** All ports of the range, each worker starting at a different one, so that workers rarely collide. */
  #portsFor(place: number): number[] {
    const { min, max } = this.#options.rtcPorts;
    const count = max - min + 1;
    return Array.from({ length: count }, (_, index) => min + ((place + index) % count));
  }

  async #replace(place: number, lost: MediaWorker, reason: string): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    this.#workers.delete(place);
    this.#log.error({ worker: lost.pid, reason }, 'Lost a media worker; starting another.');
    this.emit('changed');
    const now = performance.now();
    const again = now - (this.#lostAt.get(place) ?? Number.NEGATIVE_INFINITY) < SHORT_LIFE_MS;
    this.#lostAt.set(place, now);
    if (again) await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      try {
        return await this.#fill(place);
      } catch (error) {
        this.#log.error({ err: error }, 'Failed to replace a media worker; trying again.');
        await delay(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }
}
