import type { Api, CallOptions } from './api.ts';
import { RejoinApiError } from './api-error.ts';
import { Connection } from './connection.ts';
import { type ConnectionState, readConnection } from './connection-state.ts';
import { object, string } from './json.ts';
import type { ConnectionProperties, SessionProperties, TokenOptions } from './properties.ts';
import type { Publisher } from './publisher.ts';
import { readSession, type SessionState } from './session-state.ts';

/** A message of the server to participants. */
export interface SignalOptions {
  /** Who gets it, as connections or their ids. Default: everyone in the session. */
  readonly to?: readonly (string | Connection)[];
  /** Handlers of `signal:TYPE` get it, and those of `signal`. */
  readonly type?: string;
  /** The message. Default: none. */
  readonly data?: string;
}

/** Statuses that say that what is to end has ended: there is no such thing, or not even its session. */
const GONE = [404, 400] as const;

/**
 * A session as it was when it was last spoken of: `fetch()` brings it up to date. Each method rejects with a
 * {@link RejoinApiError}; those of a session that has ended with code `NOT_FOUND`.
 */
export class Session {
  /** Its `customSessionId`, or the id that the server has given it. */
  readonly sessionId: string;
  /** Unix time, ms. */
  createdAt!: number;
  /** What it was created with, every default filled in. */
  properties!: SessionProperties;
  /** Never: nothing is recorded. */
  recording!: boolean;
  /** Never: nothing is broadcast. */
  broadcasting!: boolean;
  /** Pending and active ones. */
  connections: Connection[] = [];
  readonly #api: Api;
  readonly #ended: (session: Session) => void;

  /** @internal Sessions are made by `OpenVidu.createSession()` and `OpenVidu.fetch()`. */
  constructor(api: Api, state: SessionState, ended: (session: Session) => void) {
    this.sessionId = state.sessionId;
    this.#api = api;
    this.#ended = ended;
    this.update(state);
  }

  /** Those that somebody has joined with. */
  get activeConnections(): Connection[] {
    return this.connections.filter(({ status }) => status === 'active');
  }

  /** The same as `sessionId`. */
  getSessionId(): string {
    return this.sessionId;
  }

  /** Makes a place in the session; its `token` is for one participant. */
  async createConnection(properties: ConnectionProperties = {}, options?: CallOptions): Promise<Connection> {
    const state = await this.#api.post(this.#path('/connection'), { ...properties }, readConnection, options);
    const made = this.#connection(state);
    // A fetch() meanwhile may have found it before the answer came.
    if (!this.connections.includes(made)) this.connections = [...this.connections, made];
    return made;
  }

  /** The token of a new connection, for applications of before connections. */
  generateToken(tokenOptions: TokenOptions = {}, options?: CallOptions): Promise<string> {
    const body = { session: this.sessionId, ...tokenOptions };
    return this.#api.post('/tokens', body, (json) => string(object(json, 'The token'), 'token'), options);
  }

  /** Asks the server for the state of the session. Resolves with whether anything is other than before. */
  async fetch(options?: CallOptions): Promise<boolean> {
    try {
      return this.update(await this.#api.get(`${this.#path()}?pendingConnections=true`, readSession, options));
    } catch (error) {
      if (error instanceof RejoinApiError && error.code === 'NOT_FOUND') this.#ended(this);
      throw error;
    }
  }

  /** Ends the session for everyone in it. */
  async close(options?: CallOptions): Promise<void> {
    try {
      await this.#api.delete(this.#path(), GONE, options);
    } catch (error) {
      if (!(error instanceof RejoinApiError && error.code === 'NOT_FOUND')) throw error;
      this.#ended(this);
      throw error;
    }
    this.#ended(this);
  }

  /** Changes `role` or `record` of a connection, whether pending or active; nothing else can be changed. */
  async updateConnection(
    connection: string | Connection,
    changes: ConnectionProperties,
    options?: CallOptions,
  ): Promise<Connection> {
    const path = this.#path('/connection/', idOf(connection));
    return this.#connection(await this.#api.patch(path, { ...changes }, readConnection, options));
  }

  /** Makes a participant leave or, of a pending connection, its token worthless. */
  async forceDisconnect(connection: string | Connection, options?: CallOptions): Promise<void> {
    const connectionId = idOf(connection);
    await this.#api.delete(this.#path('/connection/', connectionId), GONE, options);
    const streams = this.#find(connectionId)?.publishers ?? [];
    this.connections = this.connections.filter((one) => one.connectionId !== connectionId);
    for (const { streamId } of streams) this.#forget(streamId);
  }

  /** Ends a stream; its publisher stays in the session. */
  async forceUnpublish(publisher: string | Publisher, options?: CallOptions): Promise<void> {
    const streamId = typeof publisher === 'string' ? publisher : publisher.streamId;
    await this.#api.delete(this.#path('/stream/', streamId), GONE, options);
    this.#forget(streamId);
  }

  /** Sends a signal as the server: its receivers see no `from`. Code `NOBODY_THERE` when there is no one to get it. */
  signal({ to, type, data }: SignalOptions, options?: CallOptions): Promise<void> {
    const body = { session: this.sessionId, ...(to ? { to: to.map(idOf) } : {}), type, data };
    return this.#api.post('/signal', body, () => undefined, options);
  }

  /** @internal Takes what the server says. Whether anything is other than before. */
  update({ connections, ...state }: SessionState): boolean {
    const before = this.#print();
    Object.assign(this, state, { connections: connections.map((one) => this.#connection(one)) });
    return this.#print() !== before;
  }

  /** Everything there is to know, as text. In which order connections are listed means nothing. */
  #print(): string {
    const connections = [...this.connections].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
    return JSON.stringify({ ...this, connections });
  }

  /** The connection of this state: the same object all the time. */
  #connection(state: ConnectionState): Connection {
    const known = this.#find(state.connectionId);
    known?.update(state);
    return known ?? new Connection(state);
  }

  #find(connectionId: string): Connection | undefined {
    return this.connections.find((one) => one.connectionId === connectionId);
  }

  #forget(streamId: string): void {
    for (const connection of this.connections) connection.forget(streamId);
  }

  #path(below = '', id = ''): string {
    return `/sessions/${encodeURIComponent(this.sessionId)}${below}${encodeURIComponent(id)}`;
  }
}

function idOf(connection: string | Connection): string {
  return typeof connection === 'string' ? connection : connection.connectionId;
}
