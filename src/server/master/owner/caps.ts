import { ProtocolError } from '../../../protocol/errors.ts';
import type { StreamId } from '../../../protocol/ids.ts';
import { BUDGETS } from '../budgets.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/** @throws {ProtocolError} LIMIT_REACHED with the limit's name */
function requireBelow(count: number, limit: number, what: string): void {
  if (count >= limit) throw new ProtocolError('LIMIT_REACHED', `${what}: ${limit}`);
}

function sum(session: OwnedSession, count: (member: Member) => number): number {
  return [...session.members.values()].reduce((all, member) => all + count(member), 0);
}

/** Throws unless the member may have another transport. @throws {ProtocolError} LIMIT_REACHED */
export function requireTransport(session: OwnedSession, member: Member): void {
  requireBelow(member.transports.size, BUDGETS.connectionTransports, 'transports of a connection');
  const all = sum(session, ({ transports }) => transports.size);
  requireBelow(all, BUDGETS.sessionTransports, 'transports of a session');
}

/** Throws unless the member has this stream or may publish another. @throws {ProtocolError} LIMIT_REACHED */
export function requireStream(session: OwnedSession, member: Member, streamId: StreamId): void {
  const own = new Set([...member.publications.keys(), ...member.publishing]);
  if (own.has(streamId)) return;
  requireBelow(own.size, BUDGETS.connectionStreams, 'streams of a connection');
  const all = sum(session, ({ publications, publishing }) => publications.size + publishing.length);
  requireBelow(all, BUDGETS.sessionStreams, 'streams of a session');
}

/** Throws unless the member may receive another stream. @throws {ProtocolError} LIMIT_REACHED */
export function requireSubscription(member: Member, streamId: StreamId): void {
  if (member.subscriptions.has(streamId)) return;
  requireBelow(member.subscriptions.size, BUDGETS.connectionSubscriptions, 'subscriptions of a connection');
}

/** Throws unless the session may have another connection, joined or not. @throws {ProtocolError} LIMIT_REACHED */
export function requireConnection(session: OwnedSession): void {
  requireBelow(session.members.size + session.pending.length, BUDGETS.sessionConnections, 'connections of a session');
}
