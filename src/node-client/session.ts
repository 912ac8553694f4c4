import type { Api, CallOptions } from './api.ts';
import { RejoinApiError } from './api-error.ts';
import { Connection } from './connection.ts';
import { type ConnectionState, readConnection } from './connection-state.ts';
import { object, string } from './json.ts';
import type { ConnectionProperties, SessionProperties, TokenOptions } from './properties.ts';
import type { Publisher } from './publisher.ts';
import { readSession, type SessionState } from './session-state.ts';

/** A message from the server to participants. */
export interface SignalOptions {
  /** Recipients, as connections or their ids. Default: everyone in the session. */
  readonly to?: readonly (string | Connection)[];
  /** Handlers of `signal:TYPE` and of `signal` receive it. */
  readonly type?: string;
  /** The message. Default: none. */
  readonly data?: string;
}

/** Statuses that mean that the object to end, or its whole session, has already ended. */
const GONE = [404, 400] as const;

/**
 * A session, as of the last call that returned its state. `fetch()` updates it. Each method rejects with a {@link RejoinApiError}; if the
 * session has ended, its code is `NOT_FOUND`.
 */
export class Session {
  /** Its `customSessionId`, or the id that the server has chosen. */
  readonly sessionId: string;
  /** Unix time, ms. */
  createdAt!: number;
  /** The properties, with all defaults filled in. */
  properties!: SessionProperties;
  /** Always false: recording is not supported. */
  recording!: boolean;
  /** Always false: broadcasting is not supported. */
  broadcasting!: boolean;
  /** Pending and active connections. */
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

  /** The connections that clients have joined with. */
  get activeConnections(): Connection[] {
    return this.connections.filter(({ status }) => status === 'active');
  }

  /** The same as `sessionId`. */
  getSessionId(): string {
    return this.sessionId;
  }

  /** Creates a connection. Its `token` is for a single participant. */
  async createConnection(properties: ConnectionProperties = {}, options?: CallOptions): Promise<Connection> {
    const state = await this.#api.post(this.#path('/connection'), { ...properties }, readConnection, options);
    const made = this.#connection(state);
    // A simultaneous fetch() may have found the connection before this answer arrived.
    if (!this.connections.includes(made)) this.connections = [...this.connections, made];
    return made;
  }

  /** Creates a connection and returns its token, for applications written for OpenVidu's older API. */
  generateToken(tokenOptions: TokenOptions = {}, options?: CallOptions): Promise<string> {
    const body = { session: this.sessionId, ...tokenOptions };
    return this.#api.post('/tokens', body, (json) => string(object(json, 'The token'), 'token'), options);
  }

  /** Gets the state of the session from the server. Resolves to whether anything has changed. */
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

  /** Changes `role` or `record` of a pending or active connection. Other properties cannot be changed. */
  async updateConnection(
    connection: string | Connection,
    changes: ConnectionProperties,
    options?: CallOptions,
  ): Promise<Connection> {
    const path = this.#path('/connection/', idOf(connection));
    return this.#connection(await this.#api.patch(path, { ...changes }, readConnection, options));
  }

  /** Evicts a participant, or revokes the token of a pending connection. */
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

  /** Sends a signal from the server: it has no `from`. Code `NOBODY_THERE` if a recipient is missing or the session is empty. */
  signal({ to, type, data }: SignalOptions, options?: CallOptions): Promise<void> {
    const body = { session: this.sessionId, ...(to ? { to: to.map(idOf) } : {}), type, data };
    return this.#api.post('/signal', body, () => undefined, options);
  }

  /** @internal Applies the server's state. Returns whether anything has changed. */
  update({ connections, ...state }: SessionState): boolean {
    const before = this.#print();
    Object.assign(this, state, { connections: connections.map((one) => this.#connection(one)) });
    return this.#print() !== before;
  }

  /** The whole state as text. The order of the connections is ignored, because it has no meaning. */
  #print(): string {
    const connections = [...this.connections].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
    return JSON.stringify({ ...this, connections });
  }

  /** The object for this connection, which stays the same over time. */
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
