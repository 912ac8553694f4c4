import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The present counts. */
export interface MediaCounts {
  readonly workers: number;
  readonly rooms: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
}

const HELP: Record<keyof MediaCounts, string> = {
  workers: 'Media workers that can take rooms',
  rooms: 'Rooms, including those without an owner',
  transports: 'Transports of clients',
  producers: 'Producers, audio and video',
  consumers: 'Consumers, audio and video',
};

/** The media node's own metrics on `/metrics`. */
export class MediaMetrics {
  readonly #commands: Counter<'command' | 'outcome'>;
  readonly #duration: Histogram<'command'>;

  constructor(registry: Registry, counts: () => MediaCounts, load: () => number) {
    const registers = [registry];
    for (const name of Object.keys(HELP) as (keyof MediaCounts)[]) {
      new Gauge({
        name: `rejoin_media_${name}`,
        help: HELP[name],
        registers,
        collect() {
          this.set(counts()[name]);
        },
      });
    }
    new Gauge({
      name: 'rejoin_media_load_percent',
      help: 'Mean CPU load of the media workers',
      registers,
      collect() {
        this.set(load());
      },
    });
    this.#commands = new Counter({
      name: 'rejoin_media_commands_total',
      help: 'Commands of masters, by outcome: ok or the code of the error',
      labelNames: ['command', 'outcome'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'rejoin_media_command_seconds',
      help: 'Time from a command to its answer',
      labelNames: ['command'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
  }

  /** Starts measuring a command. Call the result with the outcome. */
  command(command: string): (outcome: string) => void {
    const end = this.#duration.startTimer({ command });
    return (outcome) => {
      end();
      this.#commands.inc({ command, outcome });
    };
  }
}
