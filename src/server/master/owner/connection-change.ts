import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectionId } from '../../../protocol/ids.ts';
import type { Role } from '../../../protocol/model.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/** Fields left out don't change. */
export interface ConnectionChange {
  readonly role?: Role;
  readonly record?: boolean;
}

/**
 * Changes what a connection may do, whether it has been joined or not. Every member is told of a new role; streams that the new
 * role does not allow end.
 * @throws {ProtocolError} CONNECTION_UNKNOWN, or UNAVAILABLE when nothing has been changed
 */
export async function changeConnection(
  session: OwnedSession,
  connectionId: ConnectionId,
  change: ConnectionChange,
): Promise<void> {
  const member = session.members.get(connectionId);
  if (member) return changeMember(session, member, change);
  for (const place of session.pending) {
    if (place.record.connectionId === connectionId) {
      return session.places.change(place, { ...place.record, ...change });
    }
  }
  throw new ProtocolError('CONNECTION_UNKNOWN', connectionId);
}

async function changeMember(session: OwnedSession, member: Member, change: ConnectionChange): Promise<void> {
  const before = member.record.role;
  await session.records.change(member, (record) => ({ ...record, ...change }));
  if (session.members.get(member.id) !== member) throw new ProtocolError('CONNECTION_UNKNOWN', member.id);
  const { role } = member.record;
  if (role === before) return;
  session.log.info({ connection: member.id, before, role }, 'Changed the role of a connection.');
  session.broadcast('connectionChanged', { connectionId: member.id, role });
  if (role === 'SUBSCRIBER') session.streams.forbidAllOf(member);
}
