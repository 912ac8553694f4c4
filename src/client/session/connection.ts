import type { ConnectionId } from '../../protocol/ids.ts';
import type { ConnectionInfo, Role } from '../../protocol/model.ts';
import type { Stream } from './stream.ts';

/**
 * A participant's membership. The object stays the same when the session is rebuilt after a crash; its id changes
 * then, as it is another membership.
 */
export class Connection {
  #info: Omit<ConnectionInfo, 'streams'>;
  readonly #streams = new Set<Stream>();

  constructor(info: ConnectionInfo) {
    this.#info = info;
  }

  get connectionId(): ConnectionId {
    return this.#info.connectionId;
  }

  /** Unix time, ms. */
  get creationTime(): number {
    return this.#info.createdAt;
  }

  /** What the client gave `connect()` and the server gave the token: `client%/%server` when both did. */
  get data(): string {
    return this.#info.data;
  }

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

  get streams(): readonly Stream[] {
    return [...this.#streams];
  }

  /** For the SDK's own use: its ids in lives of the session that crashes ended, the latest first. */
  get formerIds(): readonly ConnectionId[] {
    return this.#info.replaces ?? [];
  }

  /** For the SDK's own use. */
  update(info: Partial<Omit<ConnectionInfo, 'streams'>>): void {
    this.#info = { ...this.#info, ...info };
  }

  /** For the SDK's own use. */
  addStream(stream: Stream): void {
    this.#streams.add(stream);
  }

  /** For the SDK's own use. */
  removeStream(stream: Stream): void {
    this.#streams.delete(stream);
  }
}
