import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { MEDIA_CODECS } from './codecs.ts';
import type { MediaAddress } from './media-addresses.ts';
import { MediaNodeError } from './media-node-error.ts';
import { endWorkerProcess, startWorkerProcess } from './worker-process.ts';

export interface MediaWorkerOptions {
  readonly workerBin: string | undefined;
  readonly setsid: string | undefined;
  /** In the order in which clients should prefer them. */
  readonly addresses: readonly MediaAddress[];
  /** The worker takes the first of these that is free. */
  readonly rtcPorts: readonly number[];
}

export interface MediaWorkerEvents {
  /** The process has ended, or has been ended because it doesn't answer. All its rooms are lost. Emitted once. */
  gone: [reason: string];
}

/** A mediasoup worker process with its port for media, UDP and TCP under the same number. */
export class MediaWorker extends EventEmitter<MediaWorkerEvents> {
  readonly port: number;
  readonly webRtcServer: types.WebRtcServer;
  readonly #worker: types.Worker;
  #rooms = 0;
  #load = 0;
  #usage: { readonly cpuMs: number; readonly at: number } | undefined;
  #asking = false;
  #unanswered = 0;

  /** @throws {MediaNodeError} WORKER_NOT_STARTED, RTC_PORTS_USED_UP, RTC_ADDRESS_UNUSABLE */
  static async start(options: MediaWorkerOptions): Promise<MediaWorker> {
    const worker = await startWorkerProcess(options.workerBin, options.setsid);
    try {
      return await MediaWorker.#listen(worker, options);
    } catch (error) {
      await endWorkerProcess(worker);
      throw error;
    }
  }

  static async #listen(worker: types.Worker, options: MediaWorkerOptions): Promise<MediaWorker> {
    const { addresses, rtcPorts } = options;
    const ips = addresses.map(({ ip }) => ip).join(', ');
    for (const port of rtcPorts) {
      try {
        const webRtcServer = await worker.createWebRtcServer({ listenInfos: listenInfos(addresses, port) });
        return new MediaWorker(worker, webRtcServer, port);
      } catch (error) {
        if (!/address already in use/i.test(String(error))) {
          throw new MediaNodeError(
            'RTC_ADDRESS_UNUSABLE',
            `Media over port ${port} of ${ips} is impossible: ${String(error)}.`,
            error,
          );
        }
      }
    }
    throw new MediaNodeError('RTC_PORTS_USED_UP', `All ${rtcPorts.length} RTC ports of ${ips} are in use.`);
  }

  constructor(worker: types.Worker, webRtcServer: types.WebRtcServer, port: number) {
    super();
    this.port = port;
    this.webRtcServer = webRtcServer;
    this.#worker = worker;
    worker.on('died', (error) => this.emit('gone', `died ${error.message}`));
  }

  get pid(): number {
    return this.#worker.pid;
  }

  get rooms(): number {
    return this.#rooms;
  }

  /** Percent of a core at the last measurement. */
  get load(): number {
    return this.#load;
  }

  async createRouter(): Promise<types.Router> {
    this.#rooms += 1;
    const left = (): void => {
      this.#rooms -= 1;
    };
    try {
      const router = await this.#worker.createRouter({ mediaCodecs: [...MEDIA_CODECS] });
      router.observer.once('close', left);
      return router;
    } catch (error) {
      left();
      throw error;
    }
  }

  /**
   * Measures the load, and detects a worker that doesn't answer; mediasoup only detects one that exits. Call this regularly. Patience is
   * counted in calls, so that a pause of this process doesn't look like one of the worker.
   *
   * @param patience how many calls in a row may find the previous question unanswered
   */
  look(patience: number): void {
    if (this.#worker.closed) return;
    if (this.#asking) {
      this.#unanswered += 1;
      if (this.#unanswered >= patience) this.#giveUp();
      return;
    }
    this.#asking = true;
    this.#worker.getResourceUsage().then(
      ({ ru_utime, ru_stime }) => {
        this.#asking = false;
        this.#unanswered = 0;
        this.#measure(ru_utime + ru_stime);
      },
      // An error is an answer, too. If the worker has ended, `died` or `close` has handled that.
      () => {
        this.#asking = false;
      },
    );
  }

  /** Resolves when the process has ended. */
  close(): Promise<void> {
    return endWorkerProcess(this.#worker);
  }

  #giveUp(): void {
    void endWorkerProcess(this.#worker, 0);
    this.emit('gone', 'did not answer');
  }

  #measure(cpuMs: number): void {
    const now = { cpuMs, at: performance.now() };
    const { cpuMs: usedBefore, at } = this.#usage ?? now;
    const elapsed = now.at - at;
    if (elapsed > 0) this.#load = Math.min(100, (100 * (cpuMs - usedBefore)) / elapsed);
    this.#usage = now;
  }
}

/** UDP comes first: TCP is only for networks that block UDP. */
function listenInfos(addresses: readonly MediaAddress[], port: number): types.TransportListenInfo[] {
  return (['udp', 'tcp'] as const).flatMap((protocol) =>
    addresses.map(({ ip, announcedAddress }) => ({
      protocol,
      ip,
      port,
      ...(announcedAddress === undefined ? {} : { announcedAddress }),
    })),
  );
}
