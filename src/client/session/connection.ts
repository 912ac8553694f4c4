import type { ConnectionId } from '../../protocol/ids.ts';
import type { ConnectionInfo, NetworkQuality, Role } from '../../protocol/model.ts';
import type { Stream } from './stream.ts';

/**
 * A participant's membership. The object stays the same when the session is rebuilt after a crash; its id changes
 * then, as it is another membership.
 */
export class Connection {
  #info: Omit<ConnectionInfo, 'streams'>;
  #networkQuality: NetworkQuality = 0;
  readonly #streams = new Set<Stream>();

  /** @internal */
  constructor(info: ConnectionInfo) {
    this.#info = info;
  }

  /** `con_` and ten letters or digits. */
  get connectionId(): ConnectionId {
    return this.#info.connectionId;
  }

  /** When it was made for its token: Unix time, ms. */
  get creationTime(): number {
    return this.#info.createdAt;
  }

  /** What the client gave `connect()` and the server gave the token: `client%/%server` when both did. */
  get data(): string {
    return this.#info.data;
  }

  /** What it may do. */
  get role(): Role {
    return this.#info.role;
  }

  /** `away`: the participant has lost its socket and may be back any moment. */
  get presence(): 'here' | 'away' {
    return this.#info.presence;
  }

  /** The stream it publishes; the first if there are several. */
  get stream(): Stream | undefined {
    return this.#streams.values().next().value;
  }

  /** All that it publishes. */
  get streams(): readonly Stream[] {
    return [...this.#streams];
  }

  /** How well its network does, 0 (broken) to 5 (excellent); 0 also as long as nothing is known. */
  get networkQuality(): NetworkQuality {
    return this.#networkQuality;
  }

  /** @internal Answers how it was before. */
  setNetworkQuality(level: NetworkQuality): NetworkQuality {
    const before = this.#networkQuality;
    this.#networkQuality = level;
    return before;
  }

  /** @internal Its ids in lives of the session that crashes ended, the latest first. */
  get formerIds(): readonly ConnectionId[] {
    return this.#info.replaces ?? [];
  }

  /** @internal */
  update(info: Partial<Omit<ConnectionInfo, 'streams'>>): void {
    this.#info = { ...this.#info, ...info };
  }

  /** @internal */
  addStream(stream: Stream): void {
    this.#streams.add(stream);
  }

  /** @internal */
  removeStream(stream: Stream): void {
    this.#streams.delete(stream);
  }
}
