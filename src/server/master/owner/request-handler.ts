import { ProtocolError } from '../../../protocol/errors.ts';
import type { Method, Params, Result } from '../../../protocol/methods.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/** `askedAgoMs`: how long ago the client has asked a former owner for the same; 0: it has not. */
export type Handler<M extends Method> = (
  session: OwnedSession,
  member: Member,
  params: Params<M>,
  askedAgoMs: number,
) => Promise<Result<M>>;

/** Keys at the media node are unique in a room; those of clients only in their connection. */
export const roomKey = (member: Member, key: string): string => `${member.id}/${key}`;

/** @throws {ProtocolError} TRANSPORT_UNKNOWN, PARAMS_INVALID */
export function transportOf(member: Member, key: string, direction?: 'send' | 'recv'): string {
  const full = roomKey(member, key);
  const known = member.transports.get(full);
  if (!known) throw new ProtocolError('TRANSPORT_UNKNOWN', key);
  if (direction && known !== direction) throw new ProtocolError('PARAMS_INVALID', `transport ${key} is for ${known}`);
  return full;
}
