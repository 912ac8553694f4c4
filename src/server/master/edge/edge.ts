import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { CloseCode } from '../../../protocol/close-codes.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../../protocol/errors.ts';
import type { ClientFrame, HelloFrame, Resume, ServerFrame } from '../../../protocol/frames.ts';
import type { ConnectionId, UniqueSessionId } from '../../../protocol/ids.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../../protocol/limits.ts';
import type { InstanceId } from '../../shared/identity.ts';
import { PeerError } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import { SampledLog } from '../../shared/sampled-log.ts';
import type { Timing } from '../../shared/timing.ts';
import { type Store, StoreError } from '../../store/store.ts';
import { type Locator, uniqueIdOf } from '../cluster/locator.ts';
import type { OwnerDeaths } from '../cluster/owner-deaths.ts';
import type { Links } from '../link/links.ts';
import type { AttachAnswer, AttachmentId, Downward, EdgePort, OwnerPort } from '../link/ports.ts';
import { lateRefusal } from '../owner/resume-refusal.ts';
import type { Sessions } from '../owner/sessions.ts';
import { ClientSocket } from './client-socket.ts';
import { ReleaseSpread, spreadOf } from './comeback-spread.ts';
import type { Goodbyes } from './goodbyes.ts';

/** Delay before looking again for an owner that has just failed or changed. */
const AGAIN_MS = 50;
const SEND_AWAY_STEP_MS = 20;
/** How many beats of a second lie between two audits of the clients at their owners. */
const AUDIT_BEATS = 5;
/** Lines about faults of clients that are logged at once before they are sampled. */
const LOG_BURST = 20;

/** The close code for each fault of a client. Default: 4400. */
const VIOLATIONS: Partial<Record<ProtocolErrorCode, CloseCode>> = { FRAME_TOO_LARGE: 4413, RATE_LIMITED: 4429 };

/**
 * The state of a client's socket at this edge.
 * | state     | enters by                         | leaves by                                     |
 * | waiting   | open; `destroyed` or `moved` sent | hello → attaching; too late → closed          |
 * | attaching | hello                             | welcome → attached; refused → closed          |
 * | attached  | welcome                           | owner gone → waiting; closed by either side   |
 * | closed    | the socket has closed or closes   |                                               |
 */
type State =
  | { readonly kind: 'waiting'; readonly until: number }
  | Attaching
  | {
      readonly kind: 'attached';
      readonly attachment: AttachmentId;
      readonly owner: InstanceId;
      readonly port: OwnerPort;
      readonly uniqueSessionId: UniqueSessionId;
      readonly connectionId: ConnectionId;
    }
  | { readonly kind: 'closed' };

/** Each attempt has its own attachment, so that frames from a former owner aren't taken for the next one's. */
interface Attaching {
  readonly kind: 'attaching';
  attachment: AttachmentId;
  held: Downward[];
}

interface Client {
  readonly socket: ClientSocket;
  /** Call this at the client's first hello. */
  readonly greeted: () => void;
  state: State;
}

/** The sockets of clients at this master, and the path from each to its session's owner. */
export class Edge implements EdgePort {
  readonly #self: InstanceId;
  readonly #locator: Locator;
  readonly #sessions: Sessions;
  readonly #links: Links;
  readonly #deaths: OwnerDeaths;
  readonly #goodbyes: Pick<Goodbyes, 'take'>;
  readonly #store: Store;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #refusals: SampledLog;
  readonly #violations: SampledLog;
  readonly #refused: (code: ProtocolErrorCode) => void;
  readonly #clients = new Set<Client>();
  readonly #attached = new Map<AttachmentId, Client>();
  readonly #releaseSpread = new ReleaseSpread(() => performance.now());
  readonly #timer: NodeJS.Timeout;
  #count = 0;
  #beats = 0;

  constructor(
    self: InstanceId,
    parts: {
      readonly locator: Locator;
      readonly sessions: Sessions;
      readonly links: Links;
      readonly deaths: OwnerDeaths;
      readonly goodbyes: Pick<Goodbyes, 'take'>;
      readonly store: Store;
      readonly timing: Timing;
      readonly log: Logger;
      /** Told the error code when a client is disconnected for a fault. */
      readonly refused?: (code: ProtocolErrorCode) => void;
    },
  ) {
    this.#self = self;
    this.#locator = parts.locator;
    this.#sessions = parts.sessions;
    this.#links = parts.links;
    this.#deaths = parts.deaths;
    this.#goodbyes = parts.goodbyes;
    this.#store = parts.store;
    this.#timing = parts.timing;
    this.#log = parts.log;
    this.#refusals = new SampledLog(parts.log, LOG_BURST);
    this.#violations = new SampledLog(parts.log, LOG_BURST);
    this.#refused = parts.refused ?? (() => {});
    this.#links.unknownAtOwner = (attachments) => {
      for (const attachment of attachments) this.down({ attachment, close: 4503 });
    };
    this.#links.refusedByOwner = (attachment) => this.down({ attachment, close: 4400 });
    this.#timer = setInterval(() => this.#beat(), 1_000);
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Takes a new socket. `greeted` is called when the client has said hello. */
  accept(ws: WebSocket, from: { readonly ip: string; readonly platform: string }, greeted: () => void): void {
    const socket = new ClientSocket(ws, from, {
      frame: (frame) => this.#frame(client, frame),
      reads: () => this.#still(client, { reads: true }),
      violation: (error) => this.#violate(client, error),
      closed: () => this.#gone(client),
    });
    const client: Client = { socket, greeted, state: { kind: 'waiting', until: performance.now() + LIMITS.helloMs } };
    this.#clients.add(client);
  }

  /** Delivers an item to a socket here. If the attachment is unknown, its owner is told. */
  down(item: Downward): void {
    if (!this.tryDown(item)) this.#sessions.lost([item.attachment]);
  }

  /** `false` when no socket here has this attachment. */
  tryDown(item: Downward): boolean {
    const client = this.#attached.get(item.attachment);
    if (!client) return 'close' in item || 'release' in item;
    if ('still' in item) return true;
    if (client.state.kind === 'attaching') client.state.held.push(item);
    else this.#deliver(client, item);
    return true;
  }

  /**
   * Tells clients of a crashed owner what follows, once the store knows the fate of its sessions. Clients of ended sessions may rebuild
   * over the same socket; clients of the others resume over it at the new owner.
   */
  async ownerDied(owner: InstanceId): Promise<void> {
    const concerned = new Map<UniqueSessionId, Client[]>();
    for (const client of this.#clients) {
      const { state } = client;
      if (state.kind !== 'attached' || state.owner !== owner) continue;
      concerned.set(state.uniqueSessionId, [...(concerned.get(state.uniqueSessionId) ?? []), client]);
    }
    await Promise.all(
      [...concerned].map(async ([uniqueSessionId, clients]) => {
        const frame = await this.#fateOf(uniqueSessionId);
        for (const client of clients) {
          // The client may have left or found another owner while the store was asked.
          if (client.state.kind === 'attached' && client.state.owner === owner) this.#release(client, frame);
        }
      }),
    );
  }

  /** Closes the sockets of an owner that lives but cannot be reached from here. The clients get to it through another master. */
  ownerUnreachable(owner: InstanceId): void {
    for (const client of [...this.#clients]) {
      const { state } = client;
      if (state.kind === 'attached' && state.owner === owner) this.#shut(client, 4503);
    }
  }

  async #fateOf(uniqueSessionId: UniqueSessionId): Promise<ServerFrame> {
    try {
      const ended = await this.#store.getEnded(uniqueSessionId);
      if (ended) return { t: 'destroyed', uniqueSessionId, reason: 'nodeCrashed' };
    } catch (error) {
      this.#log.warn(
        { err: error, session: uniqueSessionId },
        'Failed to read from the store whether a session has ended.',
      );
    }
    // If the session has ended after all, the resume tells the client.
    return { t: 'moved' };
  }

  /** Sends all clients to other masters, spread over `spreadMs` so that they don't arrive all at once. */
  async sendAway(spreadMs: number): Promise<void> {
    const clients = [...this.#clients];
    const steps = Math.max(1, Math.ceil(spreadMs / SEND_AWAY_STEP_MS));
    const each = Math.ceil(clients.length / steps);
    while (clients.length > 0) {
      for (const client of clients.splice(0, each)) this.#shut(client, 4001);
      if (clients.length > 0) await delay(SEND_AWAY_STEP_MS);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const client of [...this.#clients]) this.#shut(client, 4001);
  }

  #frame(client: Client, frame: Exclude<ClientFrame, { t: 'ping' }>): void {
    const { state } = client;
    if (frame.t === 'hello') {
      client.greeted();
      if (state.kind === 'waiting') return void this.#hello(client, frame);
      if (state.kind !== 'closed') this.#violate(client, new ProtocolError('FRAME_MALFORMED', 'a second hello'));
      return;
    }
    switch (state.kind) {
      case 'attached':
        state.port.up({ attachment: state.attachment, frame });
        return;
      case 'waiting':
        // The client sent this before it could know that its session is gone.
        if (frame.t === 'req' || frame.t === 'ack') {
          if (state.until === Number.POSITIVE_INFINITY) return;
        }
        this.#violate(client, new ProtocolError('HELLO_EXPECTED', frame.t));
        return;
      case 'attaching':
        this.#violate(client, new ProtocolError('HELLO_EXPECTED', 'wait for the welcome'));
        return;
      case 'closed':
        return;
    }
  }

  async #hello(client: Client, hello: HelloFrame): Promise<void> {
    const attaching: Attaching = { kind: 'attaching', attachment: this.#newAttachment(client), held: [] };
    client.state = attaching;
    try {
      if (hello.v !== PROTOCOL_VERSION) throw new ProtocolError('VERSION_UNSUPPORTED', `${hello.v}`);
      if (hello.goodbye) {
        await this.#goodbyes.take(hello.goodbye);
        if (client.state === attaching) this.#shut(client, 4000);
        return;
      }
      const found = await this.#attach(client, attaching, hello);
      const { attachment } = attaching;
      if (client.state !== attaching) {
        // The client has left while its owner was being looked up.
        if (found.kind === 'welcome') found.port.up({ attachment, gone: true });
        return;
      }
      if (found.kind === 'destroyed') return this.#release(client, found.frame);
      const { welcome, owner, port } = found;
      const { uniqueSessionId, connectionId } = welcome;
      client.state = { kind: 'attached', attachment, owner, port, uniqueSessionId, connectionId };
      client.socket.send({ ...welcome, reconnectSpreadMs: spreadOf(this.#clients.size) });
      for (const item of attaching.held) this.#deliver(client, item);
    } catch (error) {
      if (client.state !== attaching) return;
      this.#refuse(client, hello, error);
    }
  }

  #newAttachment(client: Client): AttachmentId {
    this.#count += 1;
    const attachment = `${this.#self}#${this.#count}` as AttachmentId;
    this.#attached.set(attachment, client);
    return attachment;
  }

  #refuse(client: Client, hello: HelloFrame, error: unknown): void {
    const known =
      error instanceof ProtocolError
        ? error
        : new ProtocolError(error instanceof StoreError ? 'UNAVAILABLE' : 'INTERNAL', String(error));
    const { sessionId } = hello.join ?? hello.resume ?? hello.goodbye ?? {};
    const line = { session: sessionId, ip: client.socket.ip, code: known.code };
    // Every fault of the server is logged; faults of clients are sampled, as there may be many.
    if (known.code === 'INTERNAL') this.#log.warn({ ...line, err: error }, 'Refused a hello.');
    else this.#refusals.warn({ ...line, reason: known.message }, 'Refused a hello.');
    client.socket.send({ t: 'refused', error: known.toWire() });
    this.#shut(client, known.code === 'UNAVAILABLE' || known.code === 'INTERNAL' ? 4503 : 4401);
  }

  /** Attaches the client at its owner. While owners die or change, it tries again, for as long as a verdict takes. */
  async #attach(
    client: Client,
    attaching: Attaching,
    hello: HelloFrame,
  ): Promise<
    | (Extract<AttachAnswer, { kind: 'welcome' }> & { owner: InstanceId; port: OwnerPort })
    | { kind: 'destroyed'; frame: Extract<ServerFrame, { t: 'destroyed' }> }
  > {
    const { join, resume } = hello;
    const { ip, platform } = client.socket;
    const named = join ?? resume;
    if (!named) throw new ProtocolError('HELLO_EXPECTED', 'neither join nor resume');
    const until = performance.now() + this.#timing.verdictMs + this.#timing.peerCallMs;
    let suspect: InstanceId | undefined;
    while (performance.now() < until) {
      const located = await this.#locator.locate(named.sessionId, suspect);
      suspect = undefined;
      if (resume && uniqueIdOf(located) !== resume.uniqueSessionId) return this.#late(resume);
      if (located.kind === 'nowhere') throw new ProtocolError('SESSION_UNKNOWN', named.sessionId);
      if (located.kind === 'unreachable') break;
      if (located.kind === 'changing') {
        await delay(AGAIN_MS);
        continue;
      }
      const owner = located.kind === 'here' ? this.#self : located.owner;
      const port = located.kind === 'here' ? this.#localPort : this.#links.owner(located.owner, located.url);
      // A client that has left this socket may have resumed elsewhere by now, and must not be attached from here.
      if (client.state !== attaching) break;
      try {
        const answer = await port.attach({ attachment: attaching.attachment, hello, ip, platform });
        // Ignore a welcome from an owner that has since died.
        const gone = this.#deaths.isSettled(owner);
        if (answer.kind === 'welcome' && !gone && !port.isClosed) return { ...answer, owner, port };
        if (answer.kind === 'refused') throw ProtocolError.fromWire(answer.error);
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        suspect = owner;
      }
      if (client.state === attaching) {
        this.#attached.delete(attaching.attachment);
        attaching.attachment = this.#newAttachment(client);
        attaching.held = [];
      }
      await delay(AGAIN_MS);
    }
    throw new ProtocolError('UNAVAILABLE', 'the owner of the session does not answer');
  }

  /** Answers a client that resumes in a life of the session that has ended. */
  async #late(resume: Resume): Promise<{ kind: 'destroyed'; frame: Extract<ServerFrame, { t: 'destroyed' }> }> {
    const { uniqueSessionId, connectionId } = resume;
    const [ended, record] = await Promise.all([
      this.#store.getEnded(uniqueSessionId),
      this.#store.getConnection(connectionId),
    ]);
    const refusal = lateRefusal(ended, record, resume);
    if (refusal) throw refusal;
    return { kind: 'destroyed', frame: { t: 'destroyed', uniqueSessionId, reason: 'nodeCrashed' } };
  }

  readonly #localPort: OwnerPort = {
    isClosed: false,
    attach: (request) => this.#sessions.attach(request, this),
    up: (item) => {
      if (!this.#sessions.up(item)) this.down({ attachment: item.attachment, close: 4503 });
    },
  };

  #deliver(client: Client, item: Downward): void {
    if ('frame' in item) client.socket.send(item.frame);
    else if ('release' in item) this.#release(client, item.release);
    else if ('close' in item) this.#shut(client, item.close);
  }

  /** Lets the client say hello again over the same socket, because its session is over here. */
  #release(client: Client, frame: ServerFrame): void {
    this.#detach(client);
    client.state = { kind: 'waiting', until: Number.POSITIVE_INFINITY };
    client.socket.send(frame.t === 'destroyed' ? { ...frame, spreadMs: this.#releaseSpread.next() } : frame);
  }

  #violate(client: Client, error: ProtocolError, closeCode = VIOLATIONS[error.code] ?? 4400): void {
    const { code, message } = error;
    const line = { ...this.#names(client), ip: client.socket.ip, code, reason: message };
    this.#violations.warn(line, 'Disconnecting a client that breaks the protocol.');
    this.#refused(code);
    client.socket.send({ t: 'error', error: error.toWire() });
    this.#shut(client, closeCode);
  }

  #shut(client: Client, code: CloseCode): void {
    this.#gone(client);
    client.socket.close(code);
  }

  #gone(client: Client): void {
    const { state } = client;
    if (!this.#clients.delete(client)) return;
    this.#detach(client);
    client.state = { kind: 'closed' };
    if (state.kind === 'attached') state.port.up({ attachment: state.attachment, gone: true });
  }

  #detach({ state }: Client): void {
    if (state.kind === 'attached' || state.kind === 'attaching') this.#attached.delete(state.attachment);
  }

  #names({ state }: Client): { session?: UniqueSessionId; connection?: ConnectionId } {
    return state.kind === 'attached' ? { session: state.uniqueSessionId, connection: state.connectionId } : {};
  }

  #beat(): void {
    const now = performance.now();
    this.#beats += 1;
    const audit = this.#beats % AUDIT_BEATS === 0;
    for (const client of [...this.#clients]) {
      client.socket.beat(now);
      // An owner that wrongly took this edge for dead has forgotten its clients. A client that sends nothing would never learn
      // of it.
      if (audit) this.#still(client);
      if (client.state.kind === 'waiting' && now > client.state.until) {
        // The hello may still be on its way over a slow link, so the close code lets the client try again.
        this.#violate(client, new ProtocolError('HELLO_EXPECTED', 'no hello in time'), 4408);
      }
    }
  }

  #still({ state }: Client, more: { readonly reads?: true } = {}): void {
    if (state.kind === 'attached') state.port.up({ attachment: state.attachment, still: true, ...more });
  }
}
