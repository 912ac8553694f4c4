import type { ConnectionId } from '../../protocol/ids.ts';
import type { ConnectionInfo, NetworkQuality, Role } from '../../protocol/model.ts';
import type { ConnectionOptions } from '../openvidu/stream-options.ts';
import { BARE, show, worksInProxies } from '../reactive-proxy.ts';
import type { Session } from './session.ts';
import type { Stream } from './stream.ts';

/**
 * A participant's membership. The object stays the same when the session is rebuilt after a crash; its id changes
 * then, as it is another membership.
 */
export class Connection {
  /** `con_` and ten letters or digits. */
  readonly connectionId!: ConnectionId;
  /** When it was made for its token: Unix time, ms. */
  readonly creationTime!: number;
  /** What the client gave `connect()` and the server gave the token: `client%/%server` when both did. */
  readonly data!: string;
  /** What it may do. */
  readonly role!: Role;
  /** `away`: the participant has lost its socket and may be back any moment. */
  readonly presence!: 'here' | 'away';
  /** The stream it publishes; the first if there are several. */
  readonly stream: Stream | undefined;
  /** How well its network does, 0 (broken) to 5 (excellent); 0 also as long as nothing is known. */
  readonly networkQuality: NetworkQuality = 0;
  /** OpenVidu's: whether its streams are recorded. Nothing is. */
  readonly record = false;
  /** OpenVidu's, of this client's own: what it has joined with. Not in `rejoin.min.js`. */
  declare readonly localOptions: ConnectionOptions | undefined;
  /** OpenVidu's, of others': what they have joined with. Not in `rejoin.min.js`. */
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

  /** All that it publishes. */
  get streams(): readonly Stream[] {
    return [...this.#streams];
  }

  /** @internal Answers how it was before. */
  setNetworkQuality(networkQuality: NetworkQuality): NetworkQuality {
    const before = this.networkQuality;
    show<Connection>(this, { networkQuality });
    return before;
  }

  /** @internal Its ids in lives of the session that crashes ended, the latest first. */
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
