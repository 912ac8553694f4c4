import { ProtocolError } from '../../../protocol/errors.ts';
import type { RequestFrame } from '../../../protocol/frames.ts';
import { streamIdOf } from '../../../protocol/ids.ts';
import type { Member } from './member.ts';
import type { OwnedSession } from './session.ts';

/**
 * Requests with the same key wait for each other: those that change the same published stream, and those that change how the member
 * receives the same stream. The media node may answer in any order, but the client's last request must be carried out last.
 */
function orderOf({ id }: Member, frame: RequestFrame): string | undefined {
  switch (frame.method) {
    case 'publish': {
      const { key, producers, typeOfVideo = 'CUSTOM' } = frame.data;
      const hasVideo = producers.some(({ kind }) => kind === 'video');
      return `sends ${streamIdOf(id, key, hasVideo ? typeOfVideo : undefined)}`;
    }
    case 'unpublish':
    case 'setActive':
    case 'reportLayers':
    case 'changeStream':
      return `sends ${frame.data.streamId}`;
    case 'subscribe':
    case 'resumeConsumers':
    case 'unsubscribe':
      return `receives ${frame.data.streamId}`;
    default:
      return undefined;
  }
}

/** Carries out a request in its turn. @throws {ProtocolError} CONNECTION_UNKNOWN when the member has left meanwhile */
export function inOrder<T>(
  session: OwnedSession,
  member: Member,
  frame: RequestFrame,
  work: () => Promise<T>,
): Promise<T> {
  const order = orderOf(member, frame);
  if (order === undefined) return work();
  if (frame.method === 'setActive') {
    const { streamId, kind } = frame.data;
    member.publications.get(streamId)?.wishedActive.set(kind, frame.data);
  }
  return member.turns.take(order, async () => {
    if (session.members.get(member.id) !== member) throw new ProtocolError('CONNECTION_UNKNOWN', member.id);
    return work();
  });
}
