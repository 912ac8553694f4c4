import { ProtocolError } from '../../../protocol/errors.ts';
import type { Resume } from '../../../protocol/frames.ts';
import type { LeaveReason, ResumeRefusal } from '../../../protocol/model.ts';
import type { ConnectionRecord, EndedSession } from '../../store/store.ts';
import { acceptsKey } from './resume-keys.ts';

type Claim = Pick<Resume, 'uniqueSessionId' | 'resumeKey'>;

/** How the connection ended, if it has. Only its own client is told, after showing its resume key. */
export function refusalOf(record: ConnectionRecord | undefined, claim: Claim): ResumeRefusal {
  const isProven =
    record?.joined !== undefined &&
    record.uniqueSessionId === claim.uniqueSessionId &&
    acceptsKey(record.joined, claim.resumeKey);
  return (isProven && record.refusal) || 'unknown';
}

/** The same as an error. */
export function resumeRefused(record: ConnectionRecord | undefined, claim: Claim): ProtocolError {
  const refusal = refusalOf(record, claim);
  return new ProtocolError('RESUME_REFUSED', refusal, refusal);
}

/**
 * The refusal for a client that returns to a life of the session that has ended. A client evicted before a crash stays evicted.
 * `undefined`: the session crashed, and the client may join its next life.
 */
export function lateRefusal(
  ended: EndedSession | undefined,
  record: ConnectionRecord | undefined,
  claim: Claim,
): ProtocolError | undefined {
  const refusal = refusalOf(record, claim);
  if (isOnPurpose(refusal)) return resumeRefused(record, claim);
  // If the store knows nothing of this life, it has lost its data: the same as a crash.
  if (!ended || ended.reason === 'nodeCrashed') return undefined;
  if (ended.reason === 'lastParticipantLeft') return resumeRefused(record, claim);
  return new ProtocolError('SESSION_CLOSED', claim.uniqueSessionId, 'sessionClosedByServer');
}

const ON_PURPOSE: readonly ResumeRefusal[] = [
  'forceDisconnectByUser',
  'forceDisconnectByServer',
  'sessionClosedByServer',
] satisfies LeaveReason[];

function isOnPurpose(refusal: ResumeRefusal): boolean {
  return ON_PURPOSE.includes(refusal);
}
