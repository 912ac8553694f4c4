import { Counter, Gauge, type Registry } from 'prom-client';
import type { ProtocolErrorCode } from '../../protocol/errors.ts';
import { ByteBudget } from '../shared/byte-budget.ts';
import { TokenBucket } from '../shared/token-bucket.ts';

const KB = 1024;
const MB = 1024 * KB;

/** The budgets of a client, a session and a process. Limits that clients need to know are in `protocol/limits.ts`. */
export const BUDGETS = {
  /**
   * Requests of one connection. Benchmarks and chaos runs send 20 to 50 a second. Joining a room of 600 takes two for each stream, at
   * most 500 at a time. A request costs one token, plus one for each `requestBytesPerToken`, because large requests take memory, too.
   */
  requests: { perSecond: 100, burst: 600 },
  requestBytesPerToken: 4 * KB,
  /** A signal costs another token for each this many recipients: a signal to 600 members is 600 frames. */
  recipientsPerToken: 20,
  /** Requests that may wait while a connection is slowed. The SDK never has more in progress, so it is slowed but not refused. */
  waitingRequests: 500,
  waitingRequestBytes: 2 * MB,

  /** Frames that one client has not acknowledged. A frame has at most 64 KB; most have 200 bytes. */
  outboxBytes: 8 * MB,
  /** The share of signals in these; the rest is for answers and events. */
  outboxSignals: 1_500,
  outboxSignalBytes: 4 * MB,
  /** Unacknowledged frames of a session and of the process: no session may starve the others, nor all together fill the heap (2 to 4 GB). */
  sessionBytes: 64 * MB,
  processBytes: 256 * MB,

  /** Resumes that hand out another key. A crash brings thousands at once, and each new key must first be written to the store. */
  keyRenewals: { perSecond: 50, burst: 100 },

  /** A client that acknowledges nothing for this long has to resume. With a round trip of 5 s the link is lossy. */
  overdueMs: 15_000,
  /** A client that is this long so far behind that other senders are refused is evicted. */
  farBehindMs: 60_000,

  /** The SDK needs two transports, and up to six while it replaces them several times in a row. */
  connectionTransports: 16,
  /** A camera and a screen make two; an application that mixes streams may have some more. */
  connectionStreams: 16,
  /** A room of 600 with two streams each needs 1 199. */
  connectionSubscriptions: 2_500,
  /** A room of 600 with a margin. A mediasoup worker carries only about 500 consumers per core. */
  sessionConnections: 2_500,
  sessionTransports: 10_000,
  sessionStreams: 5_000,

  /**
   * Frames of any kind from one socket; faster ones are read more slowly. A frame costs one token, plus one for each
   * `frameBytesPerToken`. Each numbered frame sent to the client gives one back, because the client must acknowledge it.
   */
  frames: { perSecond: 500, burst: 2_000 },
  frameBytesPerToken: 8 * KB,
  /** A client that has been slowed for this long without interruption is refused. All that the SDK may have in progress takes 5 s. */
  floodMs: 10_000,

  /** Items that wait for another master: as many as a busy day brings during the three seconds of a verdict. */
  linkItems: 200_000,
  linkBytes: 64 * MB,
} as const;

/** The errors that mean "too much of something". */
export const BUDGET_CODES: readonly ProtocolErrorCode[] = ['RATE_LIMITED', 'LIMIT_REACHED', 'OUTBOX_OVERFLOW'];

/** The budgets that all sessions of a process share, and a count of refusals. */
export class ProcessBudgets {
  /** Bytes of unacknowledged frames and waiting requests. */
  readonly bytes = new ByteBudget(BUDGETS.processBytes);
  /** Resume keys that are replaced. */
  readonly keyRenewals = new TokenBucket(BUDGETS.keyRenewals);
  #refusals: Counter<'code'> | undefined;

  /** Counts a refusal; ignores codes that are not about budgets. */
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
