import { ProtocolError } from '../../../protocol/errors.ts';
import type { Method, Params, Result } from '../../../protocol/methods.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/** `askedAgoMs`: how long ago the client first sent this request to a former owner; 0: it did not. */
export type Handler<M extends Method> = (
  session: OwnedSession,
  member: Member,
  params: Params<M>,
  askedAgoMs: number,
) => Promise<Result<M>>;

/** Makes a client's key unique in the media node's room by adding the connection id. */
export const roomKey = (member: Member, key: string): string => `${member.id}/${key}`;

/** @throws {ProtocolError} TRANSPORT_UNKNOWN, PARAMS_INVALID */
export function transportOf(member: Member, key: string, direction?: 'send' | 'recv'): string {
  const full = roomKey(member, key);
  const known = member.transports.get(full);
  if (!known) throw new ProtocolError('TRANSPORT_UNKNOWN', key);
  if (direction && known !== direction) throw new ProtocolError('PARAMS_INVALID', `transport ${key} is for ${known}`);
  return full;
}
