import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is there at the moment of asking. */
export interface MediaCounts {
  readonly workers: number;
  readonly rooms: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
}

const HELP: Record<keyof MediaCounts, string> = {
  workers: 'Media workers that can take rooms',
  rooms: 'Rooms, those without owner among them',
  transports: 'Transports of clients',
  producers: 'Producers, audio and video',
  consumers: 'Consumers, audio and video',
};

/** The numbers of a media node on `/metrics`. */
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

  /** Begins to count a command; the answer ends it. */
  command(command: string): (outcome: string) => void {
    const end = this.#duration.startTimer({ command });
    return (outcome) => {
      end();
      this.#commands.inc({ command, outcome });
    };
  }
}
