import { ProtocolError } from '../../../protocol/errors.ts';
import type { StreamId } from '../../../protocol/ids.ts';
import type { ConsumerInfo } from '../../../protocol/methods.ts';
import { requireSubscription } from './caps.ts';
import type { Member, Subscription } from './member.ts';
import { type Handler, transportOf } from './request-handler.ts';
import type { OwnedSession } from './session.ts';

export const subscribe: Handler<'subscribe'> = async (session, member, { streamId, transport }) => {
  const { room } = await session.media();
  const { rtpCapabilities } = member;
  if (!rtpCapabilities) throw new ProtocolError('PARAMS_INVALID', 'the transport was created without rtpCapabilities');
  const { publication } = session.streams.find(streamId);
  requireSubscription(member, streamId);
  for (;;) {
    await publication.ready();
    const over = transportOf(member, transport, 'recv');
    const { stream, producers } = publication;
    // The transport is part of the key, so that the stream is consumed anew after a change of transports.
    const wanted = [...producers.values()].map((producer) => ({ producer, key: `${over}<${producer}` }));
    const keys = wanted.map(({ key }) => key);
    const before = member.subscriptions.get(streamId);
    const subscription = withConsumers(member, before, keys);
    // Registered before the consumers exist, so that the end of the stream or of the subscription closes them, too.
    member.subscriptions.set(streamId, subscription);
    try {
      const making = wanted.map(({ producer, key }) =>
        room.command('consume', {
          key,
          transport: over,
          producer,
          rtpCapabilities,
          appData: { connectionId: member.id, streamId },
        }),
      );
      const consumers: ConsumerInfo[] = await Promise.all(making).finally(() => Promise.allSettled(making));
      if (session.room !== room) throw new ProtocolError('UNAVAILABLE', 'the media has moved meanwhile');
      requireStill(session, member, streamId, subscription);
      session.note({ kind: 'subscribed', connectionId: member.id, stream, at: subscription.createdAt });
      return { stream, consumers };
    } catch (error) {
      // If the media node did not answer, the client repeats the request and finds what may exist by then.
      const isUnanswered = error instanceof ProtocolError && error.code === 'UNAVAILABLE';
      if (!isUnanswered && session.room === room) {
        const isOver = member.subscriptions.get(streamId) !== subscription;
        if (before && !isOver) member.subscriptions.set(streamId, before);
        else if (!isOver) member.subscriptions.delete(streamId);
        const kept = isOver ? [] : (before?.consumers ?? []);
        const left = keys.filter((key) => !kept.includes(key));
        // Await the close, so that it comes before the next request for this stream.
        await Promise.all(left.map((key) => room.closings.close('closeConsumer', key)));
      }
      // The publisher may have switched transports meanwhile: try again. After a move of all media, the client starts anew.
      const isOver = error instanceof ProtocolError && error.code === 'CONNECTION_UNKNOWN';
      if (isOver || publication.producers === producers || publication.isLost || session.room !== room) throw error;
    }
  }
};

export const unsubscribe: Handler<'unsubscribe'> = async (session, member, { streamId }) => {
  const { room } = await session.media();
  const subscription = member.subscriptions.get(streamId);
  if (!subscription) return {};
  member.subscriptions.delete(streamId);
  session.note({ kind: 'unsubscribed', connectionId: member.id, streamId });
  // Close before answering, so that a client that subscribes again doesn't get consumers that are about to close.
  await Promise.all(subscription.consumers.map((key) => room.closings.close('closeConsumer', key)));
  return {};
};

function withConsumers(member: Member, before: Subscription | undefined, keys: readonly string[]): Subscription {
  // Closing a transport has also closed its consumers.
  const still = before?.consumers.filter((key) => member.transports.has(key.slice(0, key.indexOf('<')))) ?? [];
  return { consumers: [...new Set([...still, ...keys])], createdAt: before?.createdAt ?? Date.now() };
}

/** Throws if the member or the subscription has ended meanwhile. @throws {ProtocolError} CONNECTION_UNKNOWN, STREAM_UNKNOWN */
function requireStill(session: OwnedSession, member: Member, streamId: StreamId, subscription: Subscription): void {
  if (session.members.get(member.id) !== member) throw new ProtocolError('CONNECTION_UNKNOWN', member.id);
  if (member.subscriptions.get(streamId) !== subscription) throw new ProtocolError('STREAM_UNKNOWN', streamId);
}
