import { ProtocolError } from '../../protocol/errors.ts';
import type { RequestFrame, ResponseFrame } from '../../protocol/frames.ts';
import type { RequestId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Method, Params, Result } from '../../protocol/methods.ts';

interface Pending {
  readonly frame: RequestFrame;
  /** In the time of `now`. */
  readonly askedAt: number;
  /** A former owner may have executed it. */
  readonly askedBefore: boolean;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: ProtocolError) => void;
}

/** Unanswered requests of one membership. They outlive the socket: each gets one answer, or rejects. */
export class RequestQueue {
  readonly #now: () => number;
  readonly #pending = new Map<RequestId, Pending>();
  #last = 0;

  /** `now`: a clock in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Numbers a request. The caller sends its frame if a socket is open.
   * @throws {ProtocolError} OUTBOX_OVERFLOW, FRAME_TOO_LARGE
   */
  add<M extends Method>(method: M, data: Params<M>): { frame: RequestFrame; answer: Promise<Result<M>> } {
    if (this.#pending.size >= LIMITS.pendingRequests) throw new ProtocolError('OUTBOX_OVERFLOW');
    const id = (this.#last + 1) as RequestId;
    const frame = { t: 'req', id, method, data } as RequestFrame;
    // A frame that is too large would end the connection at the server, so refuse it here. A later owner gets a
    // longer form of it.
    const longest = { ...frame, id: Number.MAX_SAFE_INTEGER, askedAgoMs: Number.MAX_SAFE_INTEGER };
    if (new TextEncoder().encode(JSON.stringify(longest)).length > LIMITS.frameBytes) {
      throw new ProtocolError('FRAME_TOO_LARGE', method);
    }
    this.#last = id;
    const answer = new Promise<Result<M>>((resolve, reject) => {
      const settle = { resolve: resolve as (data: unknown) => void, reject };
      this.#pending.set(id, { frame, askedAt: this.#now(), askedBefore: false, ...settle });
    });
    return { frame, answer };
  }

  /** Number of the last request, or 0. */
  get last(): number {
    return this.#last;
  }

  settle(response: ResponseFrame): void {
    const pending = this.#pending.get(response.id);
    if (!pending) return;
    this.#pending.delete(response.id);
    if ('error' in response) pending.reject(ProtocolError.fromWire(response.error));
    else pending.resolve(response.data);
  }

  /** Number of the first unanswered request, or of the next one. */
  get next(): RequestId {
    return (this.#pending.keys().next().value ?? this.#last + 1) as RequestId;
  }

  /** The requests after `taken`, in order, for sending again. */
  after(taken: RequestId): RequestFrame[] {
    const waiting = [...this.#pending.values()].filter(({ frame }) => frame.id > taken);
    return waiting.map(({ frame, askedAt, askedBefore }) =>
      askedBefore ? { ...frame, askedAgoMs: Math.max(1, Math.round(this.#now() - askedAt)) } : frame,
    );
  }

  /**
   * Another owner has taken over without knowing any request. Renumbers the waiting ones from `taken + 1`, which
   * closes the gaps of answers out of order.
   */
  renumber(taken: RequestId): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    this.#last = taken;
    for (const pending of waiting) {
      this.#last += 1;
      const id = this.#last as RequestId;
      this.#pending.set(id, { ...pending, askedBefore: true, frame: { ...pending.frame, id } });
    }
  }

  /** The membership has ended, so no answer will come. A new one numbers from 1. */
  rejectAll(error: ProtocolError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#last = 0;
    for (const { reject } of pending) reject(error);
  }
}
