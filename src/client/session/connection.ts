import type { ConnectionId } from '../../protocol/ids.ts';
import type { ConnectionInfo, NetworkQuality, Role } from '../../protocol/model.ts';
import type { ConnectionOptions } from '../openvidu/stream-options.ts';
import { BARE, show, worksInProxies } from '../reactive-proxy.ts';
import type { Session } from './session.ts';
import type { Stream } from './stream.ts';

/**
 * A participant's membership. The object stays the same when the session is rebuilt after a crash, but its id
 * changes, because the server sees a new membership.
 */
export class Connection {
  /** `con_` and ten letters or digits. */
  readonly connectionId!: ConnectionId;
  /** Creation time of the connection, which precedes the join: Unix time, ms. */
  readonly creationTime!: number;
  /** The client's data from `connect()` and the server's data from the token: `client%/%server` if both exist. */
  readonly data!: string;
  /** Decides what the participant may do. */
  readonly role!: Role;
  /** `away`: the participant has lost its socket and may return any moment. */
  readonly presence!: 'here' | 'away';
  /** The published stream; the first if there are several. */
  readonly stream: Stream | undefined;
  /** Quality of the participant's network, 0 (broken) to 5 (excellent); also 0 while nothing is known. */
  readonly networkQuality: NetworkQuality = 0;
  /** OpenVidu's: whether its streams are recorded. Always false. */
  readonly record = false;
  /** OpenVidu's, for this client's own connection: its options in the join. Not in `rejoin.min.js`. */
  declare readonly localOptions: ConnectionOptions | undefined;
  /** OpenVidu's, for remote connections: their options in the join. Not in `rejoin.min.js`. */
  declare readonly remoteOptions: ConnectionOptions | undefined;
  /** @internal */
  readonly [BARE] = (): this => this;
  /** @internal */
  readonly session: Session;
  readonly #streams = new Set<Stream>();
  #formerIds: readonly ConnectionId[] = [];

  /** @internal */
  constructor(info: ConnectionInfo, session: Session) {
    this.session = session;
    this.update(info);
  }

  /** All published streams. */
  get streams(): readonly Stream[] {
    return [...this.#streams];
  }

  /** @internal Returns the former quality. */
  setNetworkQuality(networkQuality: NetworkQuality): NetworkQuality {
    const before = this.networkQuality;
    show<Connection>(this, { networkQuality });
    return before;
  }

  /** @internal Its ids in the session's crashed lives, the latest first. */
  get formerIds(): readonly ConnectionId[] {
    return this.#formerIds;
  }

  /** @internal */
  update({ createdAt, replaces, streams, awaitedStreams, ...info }: Partial<ConnectionInfo>): void {
    this.#formerIds = replaces ?? this.#formerIds;
    show<Connection>(this, { ...info, ...(createdAt === undefined ? {} : { creationTime: createdAt }) });
  }

  /** @internal */
  addStream(stream: Stream): void {
    show<Stream>(stream, { connection: this, session: this.session });
    this.#streams.add(stream);
    this.#showFirst();
  }

  /** @internal */
  removeStream(stream: Stream): void {
    this.#streams.delete(stream);
    this.#showFirst();
  }

  #showFirst(): void {
    show<Connection>(this, { stream: this.#streams.values().next().value });
  }
}
worksInProxies(Connection);
