import { ProtocolError, type WireError } from '../../../protocol/errors.ts';
import type { RequestFrame } from '../../../protocol/frames.ts';
import type { RequestId } from '../../../protocol/ids.ts';
import { TokenBucket } from '../../shared/token-bucket.ts';
import { BUDGETS, type ProcessBudgets } from '../budgets.ts';
import { contentBytes } from './frame-bytes.ts';
import type { Member } from './member.ts';
import { RequestGate } from './request-gate.ts';
import { handleRequest } from './requests.ts';
import type { OwnedSession } from './session.ts';

/** Limits the log lines about refused requests of one client. */
const LINES = { perSecond: 1, burst: 20 };

interface Intake {
  readonly gate: RequestGate;
  readonly lines: TokenBucket;
  /** Lines left out of the log since the last one written. */
  unwritten: number;
}

export type Answer =
  | { readonly id: RequestId; readonly data: unknown }
  | { readonly id: RequestId; readonly error: WireError };

/** Takes the members' requests: each once, in the order of their numbers. Answers are sent as they become ready. */
export class RequestIntake {
  readonly #session: OwnedSession;
  readonly #budgets: ProcessBudgets;
  readonly #intakes = new Map<Member, Intake>();

  constructor(session: OwnedSession, budgets: ProcessBudgets) {
    this.#session = session;
    this.#budgets = budgets;
  }

  take(member: Member, frame: RequestFrame): void {
    if (frame.id <= member.requestsTaken) return;
    if (frame.id !== member.requestsTaken + 1) {
      // An earlier request was lost between edge and owner. A resume makes the client send both again.
      this.#session.log.warn(
        { connection: member.id, request: frame.id },
        'A request is missing; making the client resume.',
      );
      this.#close(member);
      return;
    }
    member.requestsTaken = frame.id;
    // `leave` overtakes the waiting requests: the close of the socket right behind it must not look like a lost connection.
    if (frame.method === 'leave') return this.#begin(member, frame);
    const bytes = contentBytes(frame.data);
    if (this.#of(member).gate.take(frame, this.#costOf(frame, bytes), bytes)) return;
    this.#refuse(member, frame, new ProtocolError('RATE_LIMITED', frame.method));
  }

  /** Drops the member's waiting requests. */
  forget(member: Member): void {
    this.#intakes.get(member)?.gate.close();
    this.#intakes.delete(member);
  }

  #costOf({ method, data }: RequestFrame, bytes: number): number {
    const recipients =
      method === 'signal' ? (Array.isArray(data.to) && data.to.length) || this.#session.members.size : 0;
    return 1 + Math.floor(bytes / BUDGETS.requestBytesPerToken) + Math.floor(recipients / BUDGETS.recipientsPerToken);
  }

  #of(member: Member): Intake {
    const known = this.#intakes.get(member);
    if (known) return known;
    const gate = new RequestGate({
      begin: (frame) => this.#begin(member, frame),
      isHeld: () => this.#session.isFrozen,
      budget: this.#session.bytes,
    });
    const intake = { gate, lines: new TokenBucket(LINES), unwritten: 0 };
    this.#intakes.set(member, intake);
    return intake;
  }

  #begin(member: Member, frame: RequestFrame): void {
    handleRequest(this.#session, member, frame).then(
      (data) => this.#session.answer(member, { id: frame.id, data }),
      (error: unknown) => this.#refuse(member, frame, error),
    );
  }

  #refuse(member: Member, { id, method }: RequestFrame, error: unknown): void {
    const known = error instanceof ProtocolError ? error : new ProtocolError('INTERNAL');
    this.#write(member, method, known === error ? undefined : error, known);
    if (known.code === 'EPOCH_STALE') return this.#session.stepDown();
    if (known.code === 'UNAVAILABLE') this.#session.relocation.commandFailed();
    this.#budgets.refused(known.code);
    this.#session.answer(member, { id, error: known.toWire() });
  }

  /** `fault`: the server's own failure, if the refusal is due to one. */
  #write(member: Member, method: string, fault: unknown, { code, detail }: ProtocolError): void {
    if (this.#session.members.get(member.id) !== member) return;
    const intake = this.#of(member);
    if (!fault && !intake.lines.take(1)) {
      intake.unwritten += 1;
      return;
    }
    const { unwritten } = intake;
    intake.unwritten = 0;
    const about = { connection: member.id, method: method.slice(0, 64), code, detail };
    this.#session.log.warn(
      { ...about, ...(fault ? { err: fault } : {}), ...(unwritten > 0 ? { unwritten } : {}) },
      'A request failed.',
    );
  }

  #close({ presence }: Member): void {
    if (presence.kind === 'here') presence.edge.down({ attachment: presence.attachment, close: 4503 });
  }
}
