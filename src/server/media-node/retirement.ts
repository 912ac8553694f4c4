import type { FastifyInstance } from 'fastify';
import { ProtocolError } from '../../protocol/errors.ts';
import type { RequestDrain } from '../shared/drain-route.ts';
import { internalFailure } from '../shared/http-server.ts';
import type { Logger } from '../shared/logging.ts';
import type { Rooms } from './rooms.ts';

export interface RetireBody {
  /** `false` cancels the retirement. */
  readonly retire: boolean;
  /** Retire only if the node carries no sessions; otherwise nothing changes. */
  readonly onlyIfIdle?: boolean;
}

export interface RetireAnswer {
  readonly retires: boolean;
  readonly rooms: number;
}

export interface RetirementParts {
  readonly rooms: Pick<Rooms, 'acceptNew' | 'size'> & { on(event: 'emptied', told: () => void): unknown };
  /** Ends this process. `undefined` if another program does that. */
  readonly end: RequestDrain | undefined;
  readonly isDraining: () => boolean;
  /** Tells the masters. */
  readonly changed: () => void;
  readonly log: Logger;
}

/**
 * Retirement of a media node: it takes no new sessions, and ends when its present ones have ended. Until then it can be cancelled. In a
 * drain, by contrast, the masters move the sessions away.
 */
export class Retirement {
  readonly #parts: RetirementParts;
  #retires = false;

  constructor(parts: RetirementParts) {
    this.#parts = parts;
    parts.rooms.on('emptied', () => this.endIfIdle());
  }

  get retires(): boolean {
    return this.#retires;
  }

  /**
   * Starts or cancels the retirement. The caller must call `endIfIdle` after it has sent the answer.
   * @throws {ProtocolError} UNAVAILABLE when the node is ending already, or cannot end itself
   */
  ask({ retire, onlyIfIdle = false }: RetireBody): RetireAnswer {
    const { rooms, end, isDraining, changed, log } = this.#parts;
    if (isDraining()) throw new ProtocolError('UNAVAILABLE', 'the media node is draining');
    if (!end) throw new ProtocolError('UNAVAILABLE', 'this process is part of another program, which ends it');
    const count = rooms.size.rooms;
    if (retire === this.#retires || (retire && onlyIfIdle && count > 0))
      return { retires: this.#retires, rooms: count };
    this.#retires = retire;
    rooms.acceptNew(!retire);
    log.info({ rooms: count }, retire ? 'The media node retires.' : 'The media node no longer retires.');
    changed();
    return { retires: retire, rooms: count };
  }

  endIfIdle(): void {
    if (this.#retires && !this.#parts.isDraining() && this.#parts.rooms.size.rooms === 0) this.#parts.end?.(undefined);
  }
}

/** `POST /internal/retire`. */
export function registerRetirement(app: FastifyInstance, retirement: Retirement): void {
  app.post<{ Body: RetireBody }>('/internal/retire', async ({ body }, reply) => {
    reply.raw.once('close', () => retirement.endIfIdle());
    try {
      return retirement.ask(body);
    } catch (error) {
      const { status, body: answer } = internalFailure(error);
      return reply.code(status).send(answer);
    }
  });
}
