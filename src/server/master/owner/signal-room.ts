import { ProtocolError } from '../../../protocol/errors.ts';
import type { ServerEvents } from '../../../protocol/frames.ts';
import type { ByteBudget } from '../../shared/byte-budget.ts';
import { frameBytes } from './frame-bytes.ts';
import type { Member } from './member.ts';

/**
 * Throws unless all recipients can hold a signal: either all get it or none does. `budget`: of their session.
 * @throws {ProtocolError} OUTBOX_OVERFLOW
 */
export function requireRoom(signal: ServerEvents['signal'], recipients: readonly Member[], budget: ByteBudget): void {
  const bytes = frameBytes({ t: 'evt', event: 'signal', data: signal });
  const sender = signal.from ?? 'server';
  const full = recipients.find(({ outbox }) => !outbox.holds(bytes, sender));
  if (full) throw new ProtocolError('OUTBOX_OVERFLOW', `${full.id} has not acknowledged what was sent to it before`);
  if (budget.fits(bytes * recipients.length)) return;
  throw new ProtocolError('OUTBOX_OVERFLOW', 'too many unacknowledged messages in this session, or at this master');
}
