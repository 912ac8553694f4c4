import type { ConnectionState, EffectiveConnectionProperties } from './connection-state.ts';
import type { OpenViduRole } from './properties.ts';
import type { Publisher } from './publisher.ts';

/** A connection of a session: `pending` until a client joins with its token, then `active`. The session's methods update it. */
export class Connection {
  /** `con_` and ten letters or digits. */
  readonly connectionId: string;
  /** `active` once a client has joined. */
  status!: 'pending' | 'active';
  /** Unix time, ms. */
  createdAt!: number;
  /** Unix time, ms; null while pending, like the three fields below. */
  activeAt!: number | null;
  /** `unknown`. */
  location!: string | null;
  /** Address of the client, as the master sees it or a trusted proxy reports it. */
  ip!: string | null;
  /** User agent of the client. */
  platform!: string | null;
  /** The metadata that the client gave when it joined; null while pending. */
  clientData!: string | null;
  /** The properties, with all defaults filled in. */
  connectionProperties!: EffectiveConnectionProperties;
  /** The token for a single join: `wss://host?sessionId=…&token=…`. Empty after the join. */
  token!: string;
  /** The streams that this connection sends. */
  publishers!: Publisher[];
  /** Ids of the streams that this connection receives. */
  subscribers!: string[];

  /** @internal Connections are made by `Session.createConnection()`. */
  constructor(state: ConnectionState) {
    this.connectionId = state.connectionId;
    this.update(state);
  }

  /** The participant's permissions. */
  get role(): OpenViduRole {
    return this.connectionProperties.role;
  }

  /** The `data` given at creation. */
  get serverData(): string {
    return this.connectionProperties.data;
  }

  /** @internal Applies the server's state. */
  update(state: ConnectionState): void {
    Object.assign(this, state);
  }

  /** @internal Removes a stream that has ended. */
  forget(streamId: string): void {
    this.publishers = this.publishers.filter((publisher) => publisher.streamId !== streamId);
    this.subscribers = this.subscribers.filter((id) => id !== streamId);
  }
}
