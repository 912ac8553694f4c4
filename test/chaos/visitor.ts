import type { Connection } from '../../src/client/session/connection.ts';
import { Session } from '../../src/client/session/session.ts';
import type { History } from './history.ts';

/** The final state of a participant. */
export interface Standing {
  readonly who: string;
  readonly room: string;
  readonly state: string;
  readonly connectionId: string | undefined;
  /** Ids of the others, from this participant's events. */
  readonly others: readonly string[];
  /** Number of messages neither resolved nor rejected. */
  readonly pending: number;
}

/** One stay of a participant: a session of the real SDK, without media. Records all of its actions and events. */
export class Visitor {
  readonly who: string;
  readonly room: string;
  readonly #history: History;
  readonly #session = new Session();
  readonly #others = new Set<Connection>();
  #sent = 0;
  #pending = 0;

  constructor(who: string, room: string, history: History) {
    this.who = who;
    this.room = room;
    this.#history = history;
    history.addPerson(who, room);
    this.#listen();
  }

  /** Returns `false` if it could not join. */
  async join(token: string | (() => Promise<string>)): Promise<boolean> {
    try {
      await this.#session.connect(token, this.who);
    } catch (error) {
      this.#history.add(this.who, { what: 'joinFailed', code: codeOf(error) });
      return false;
    }
    this.#history.add(this.who, { what: 'joined', connectionId: this.#connectionId ?? '' });
    return true;
  }

  leave(): void {
    this.#history.add(this.who, { what: 'leaving' });
    this.#session.disconnect();
  }

  /** Whether it is in the session, or on its way back. */
  get isThere(): boolean {
    const { state } = this.#session;
    return state === 'joined' || state === 'reconnecting' || state === 'rebuilding';
  }

  say(): void {
    this.#sent += 1;
    this.#pending += 1;
    const id = `${this.who}:${this.#sent}`;
    this.#history.add(this.who, { what: 'sent', id });
    this.#session
      .signal({ data: id })
      .then(
        () => this.#history.add(this.who, { what: 'resolved', id }),
        (error: unknown) => this.#history.add(this.who, { what: 'rejected', id, code: codeOf(error) }),
      )
      .finally(() => {
        this.#pending -= 1;
      });
  }

  standing(): Standing {
    return {
      who: this.who,
      room: this.room,
      state: this.#session.state,
      connectionId: this.#connectionId,
      others: [...this.#others].map(({ connectionId }) => connectionId),
      pending: this.#pending,
    };
  }

  get #connectionId(): string | undefined {
    return this.#session.connection?.connectionId;
  }

  #listen(): void {
    const session = this.#session;
    const tell = (deed: Parameters<History['add']>[1]): void => this.#history.add(this.who, deed);
    session.on('signal', ({ data = '' }) => tell({ what: 'received', id: data }));
    session.on('connectionCreated', ({ connection }) => {
      if (connection === session.connection) return;
      this.#others.add(connection);
      tell({ what: 'saw', event: 'connectionCreated', subject: connection.connectionId });
    });
    session.on('connectionDestroyed', ({ connection }) => {
      this.#others.delete(connection);
      tell({ what: 'saw', event: 'connectionDestroyed', subject: connection.connectionId });
    });
    session.on('reconnecting', ({ plane }) => tell({ what: 'reconnecting', plane }));
    session.on('reconnected', ({ kind }) => tell({ what: 'reconnected', kind }));
    session.on('sessionDestroyed', () => tell({ what: 'destroyed' }));
    session.on('rebuilt', () => tell({ what: 'rebuilt', connectionId: this.#connectionId ?? '' }));
    session.on('sessionDisconnected', ({ reason }) => tell({ what: 'disconnected', reason }));
    session.on('exception', ({ name, message }) => tell({ what: 'exception', name, message }));
  }
}

function codeOf(error: unknown): string {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  return code ?? name ?? String(message);
}
