import type { EventEmitter } from 'node:events';
import type { LiveLinkEvents } from '../shared/live-link.ts';
import type { Logger } from '../shared/logging.ts';

/** The part of a `LiveLink` that the pool needs. */
export interface MasterLink extends Pick<EventEmitter<LiveLinkEvents>, 'on'> {
  confirm(): Promise<boolean>;
  close(): void;
}

/** A master, with the liveness stream to its internal port. */
export interface PooledMaster {
  /** The public URL, to which clients' requests are forwarded. */
  readonly url: string;
  readonly link: MasterLink;
}

interface Member extends PooledMaster {
  /** The master is alive and takes new work. */
  healthy: boolean;
  /** Aborts when the master is found dead. A new one then takes its place. */
  life: AbortController;
}

/** The masters of a cluster. Those in rotation are alive and not draining. */
export class MasterPool {
  readonly #members: readonly Member[];
  readonly #log: Logger;
  #turn = 0;

  constructor(masters: readonly PooledMaster[], log: Logger) {
    this.#log = log;
    this.#members = masters.map(({ url, link }) => {
      const member: Member = { url, link, healthy: false, life: new AbortController() };
      // The first beat follows the hello at once, so a draining node never enters the rotation.
      link.on('beat', ({ ready }) => this.#note(member, ready, ready ? 'ready' : 'not ready'));
      link.on('turnedAway', ({ failure, said }) => {
        const error = failure === 'otherCluster' ? 'StoresDiffer' : 'SecretRefused';
        this.#log.error({ error, master: url, said }, 'A master refuses the balancer and is kept out of rotation.');
      });
      link.on('dead', (_instance, how) => {
        this.#note(member, false, how);
        const { life } = member;
        member.life = new AbortController();
        life.abort(how === 'silent' ? 'timeout' : 'broken');
      });
      return member;
    });
  }

  get size(): number {
    return this.#members.length;
  }

  get healthy(): number {
    return this.#members.filter(({ healthy }) => healthy).length;
  }

  /** URLs of the masters in rotation, in the order in which to try them. Each call starts with the next one. */
  rotation(): string[] {
    const healthy = this.#members.filter((member) => member.healthy);
    const start = healthy.length ? this.#turn++ % healthy.length : 0;
    return [...healthy.slice(start), ...healthy.slice(0, start)].map(({ url }) => url);
  }

  /** Aborts when this master is found dead, so that callers need not wait for their deadlines. The reason says how it died. */
  lifeOf(url: string): AbortSignal {
    const member = this.#members.find((one) => one.url === url);
    return member?.life.signal ?? AbortSignal.abort('broken');
  }

  /** Probes a master to which a connection has failed, instead of waiting for its liveness stream. */
  suspect(url: string): void {
    for (const member of this.#members) if (member.url === url) void member.link.confirm();
  }

  close(): void {
    for (const { link } of this.#members) link.close();
  }

  #note(member: Member, healthy: boolean, why: string): void {
    if (member.healthy === healthy) return;
    member.healthy = healthy;
    const { url } = member;
    if (healthy) this.#log.info({ master: url }, 'A master is in rotation.');
    else this.#log.warn({ master: url, why }, 'A master is out of rotation.');
  }
}
