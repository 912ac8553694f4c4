import { Counter, Gauge, type Registry } from 'prom-client';
import type { ProtocolErrorCode } from '../../protocol/errors.ts';
import { ByteBudget } from '../shared/byte-budget.ts';
import { TokenBucket } from '../shared/token-bucket.ts';

const KB = 1024;
const MB = 1024 * KB;

/** The budgets of a client, a session and a process. Limits that clients need to know are in `protocol/limits.ts`. */
export const BUDGETS = {
  /**
   * Requests of one connection. The benchmarks and the chaos runs send 20 to 50 a second; joining a room of 600 makes two for
   * each stream, at most 500 at a time. A request costs one token, and one more for each `requestBytesPerToken`, as a flood of
   * large ones takes memory and not only time.
   */
  requests: { perSecond: 100, burst: 600 },
  requestBytesPerToken: 4 * KB,
  /** A signal costs one token more for each so many recipients: what is said to 600 is 600 frames to send. */
  recipientsPerToken: 20,
  /** Requests that wait while a connection is slowed. As many as the SDK has under way at most, so that it is slowed and never refused. */
  waitingRequests: 500,
  waitingRequestBytes: 2 * MB,

  /** Frames to one client that it has not acknowledged. A frame is at most 64 KB, most are 200 bytes. */
  outboxBytes: 8 * MB,
  /** Of these, for signals; the rest stays for answers and events. */
  outboxSignals: 1_500,
  outboxSignalBytes: 4 * MB,
  /** Unacknowledged frames of all clients: one session cannot take what the others need, nor all of them the heap (2 to 4 GB). */
  sessionBytes: 64 * MB,
  processBytes: 256 * MB,

  /** Resumes that get another key. A crash brings thousands at once, and each new key is a write to the store first. */
  keyRenewals: { perSecond: 50, burst: 100 },

  /** A client that lives and acknowledges nothing of what it was sent for so long has to resume. A round trip of 5 s is lossy. */
  overdueMs: 15_000,
  /** A client that is so far behind, with so little room left that others wait for it, is put out. */
  farBehindMs: 60_000,

  /** The SDK needs two transports, and up to six while it moves its media, or makes new ones, several times in a row. */
  connectionTransports: 16,
  /** A camera and a screen are two; an application that mixes may have some more. */
  connectionStreams: 16,
  /** A room of 600 with two streams each is 1 199. */
  connectionSubscriptions: 2_500,
  /** A room of 600 with room to spare; a mediasoup worker carries about 500 consumers for each core anyway. */
  sessionConnections: 2_500,
  sessionTransports: 10_000,
  sessionStreams: 5_000,

  /**
   * Frames of all kinds that an edge reads from one socket; beyond it the socket is read more slowly. A numbered frame sent to the client
   * gives one back, as it is to be acknowledged. A frame costs one token, and one more for each `frameBytesPerToken`.
   */
  frames: { perSecond: 500, burst: 2_000 },
  frameBytesPerToken: 8 * KB,
  /** A client that has been slowed without a pause for so long is refused: all that the SDK may have under way takes 5 s. */
  floodMs: 10_000,

  /** Items that wait for one other master: as many as a busy day brings in the three seconds of a verdict. */
  linkItems: 200_000,
  linkBytes: 64 * MB,
} as const;

/** The refusals that are about too much of something. */
export const BUDGET_CODES: readonly ProtocolErrorCode[] = ['RATE_LIMITED', 'LIMIT_REACHED', 'OUTBOX_OVERFLOW'];

/** The budget that all sessions of a process share, and how often a client was refused. */
export class ProcessBudgets {
  /** Unacknowledged frames, and requests that wait. */
  readonly bytes = new ByteBudget(BUDGETS.processBytes);
  /** Resume keys that are changed. */
  readonly keyRenewals = new TokenBucket(BUDGETS.keyRenewals);
  #refusals: Counter<'code'> | undefined;

  /** Counts a refusal; codes that are not about budgets are none of its concern. */
  refused(code: ProtocolErrorCode): void {
    if (BUDGET_CODES.includes(code)) this.#refusals?.inc({ code });
  }

  measure(registry: Registry): void {
    const { bytes } = this;
    this.#refusals = new Counter({
      name: 'rejoin_refusals_total',
      help: 'Requests, signals and sockets that were refused because of a limit',
      labelNames: ['code'],
      registers: [registry],
    });
    for (const code of BUDGET_CODES) this.#refusals.inc({ code }, 0);
    new Gauge({
      name: 'rejoin_waiting_bytes',
      help: 'Bytes of unacknowledged frames and of requests that wait',
      registers: [registry],
      collect() {
        this.set(bytes.used);
      },
    });
  }
}
