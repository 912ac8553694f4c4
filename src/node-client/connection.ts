import type { ConnectionState, EffectiveConnectionProperties } from './connection-state.ts';
import type { OpenViduRole } from './properties.ts';
import type { Publisher } from './publisher.ts';

/** A place in a session: `pending` until somebody joins with its token, then `active`. Kept current by the session's methods. */
export class Connection {
  /** `con_` and ten letters or digits. */
  readonly connectionId: string;
  /** Whether somebody has joined with it. */
  status!: 'pending' | 'active';
  /** Unix time, ms. */
  createdAt!: number;
  /** Unix time, ms; null while pending, like the three that follow. */
  activeAt!: number | null;
  /** `unknown`. */
  location!: string | null;
  /** Address of the client, as the master or a proxy in front of it sees it. */
  ip!: string | null;
  /** Browser and system of the client, in its own words. */
  platform!: string | null;
  /** What the participant said about himself when he joined; null while pending. */
  clientData!: string | null;
  /** What it was created with. */
  connectionProperties!: EffectiveConnectionProperties;
  /** What the participant joins with, once: `wss://host?sessionId=…&token=…`. Empty after that. */
  token!: string;
  /** The streams that it sends. */
  publishers!: Publisher[];
  /** Ids of the streams that this connection receives. */
  subscribers!: string[];

  /** @internal Connections are made by `Session.createConnection()`. */
  constructor(state: ConnectionState) {
    this.connectionId = state.connectionId;
    this.update(state);
  }

  /** What the participant may do. */
  get role(): OpenViduRole {
    return this.connectionProperties.role;
  }

  /** The `data` that it was created with. */
  get serverData(): string {
    return this.connectionProperties.data;
  }

  /** @internal Takes what the server says. */
  update(state: ConnectionState): void {
    Object.assign(this, state);
  }

  /** @internal A stream has ended. */
  forget(streamId: string): void {
    this.publishers = this.publishers.filter((publisher) => publisher.streamId !== streamId);
    this.subscribers = this.subscribers.filter((id) => id !== streamId);
  }
}
