import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, isSessionId } from '../../../protocol/ids.ts';
import type { Member } from '../owner/member.ts';
import type { PendingPlace } from '../owner/places.ts';
import type { OwnedSession } from '../owner/session.ts';
import type { RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';

export type AnyRequest = Pick<FastifyRequest, 'method' | 'url' | 'headers' | 'bodyText'>;

/**
 * Runs `work` on a session at its owner. If the session ends or changes its owner at that moment, nothing has been done and the lookup
 * is repeated. Resolves with the result of `work`, or with `reply` when another master has answered.
 * @param missing the status when there is no such session
 * @throws {RestError}
 */
export async function atOwner<T>(
  parts: RestParts,
  { sessionId, request, reply, missing = 404 }: AtOwner,
  work: (session: OwnedSession) => T | Promise<T>,
): Promise<T | FastifyReply> {
  const until = performance.now() + parts.forwarder.patienceMs;
  for (;;) {
    const session = await ownedHere(parts, { sessionId, request, reply, missing }, until);
    if (!session) return reply;
    try {
      return await work(session);
    } catch (error) {
      const isStale = error instanceof ProtocolError && error.code === 'EPOCH_STALE';
      if (!isStale || performance.now() >= until) throw error;
      await delay(AGAIN_MS);
    }
  }
}

/** Delay before looking again for a session that has just ended or changed its owner. */
const AGAIN_MS = 20;

interface AtOwner {
  readonly sessionId: string;
  readonly request: AnyRequest;
  readonly reply: FastifyReply;
  readonly missing?: 400 | 404;
}

/** The session, if this master owns it; `undefined` when its owner has answered the request. @throws {RestError} */
async function ownedHere(
  { locator, forwarder }: RestParts,
  { sessionId, request, reply, missing }: Required<AtOwner>,
  until: number,
): Promise<OwnedSession | undefined> {
  if (!isSessionId(sessionId)) throw noSession(sessionId, missing);
  const answer = await forwarder.toOwner(locator, sessionId, request, reply, until);
  if (answer.kind === 'nowhere') throw noSession(sessionId, missing);
  return answer.kind === 'here' ? answer.session : undefined;
}

function noSession(sessionId: string, status: 400 | 404): RestError {
  return new RestError(
    status,
    `There is no session ${sessionId.slice(0, 128)}. Create it with POST /openvidu/api/sessions.`,
  );
}

/**
 * Resolves when it is certain that no other master owned the session at this moment. What is sent to the members from here on thus
 * reaches all of them.
 * @throws {RestError} 503 when that cannot be known
 * @throws {ProtocolError} EPOCH_STALE
 */
export async function confirmOwned(session: OwnedSession, { timing }: RestParts): Promise<void> {
  const late = new AbortController();
  const known = await Promise.race([
    session.confirmOwned().then(() => true),
    delay(timing.peerCallMs, false, { signal: late.signal }).catch(() => false),
  ]).finally(() => late.abort());
  if (!known) {
    throw new RestError(503, 'Neither the store nor the media node of this session answers. Try again in a moment.');
  }
}

export type Found =
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'place'; readonly place: PendingPlace };

/** @throws {RestError} 404 */
export function findConnection(session: OwnedSession, connectionId: string): Found {
  const member = session.members.get(connectionId as ConnectionId);
  if (member) return { kind: 'member', member };
  for (const place of session.pending) {
    if (place.record.connectionId === connectionId) return { kind: 'place', place };
  }
  throw new RestError(
    404,
    `Session ${session.record.sessionId} has no connection ${connectionId.slice(0, 64)}. GET its connections to see them.`,
  );
}
