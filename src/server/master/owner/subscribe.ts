import { ProtocolError } from '../../../protocol/errors.ts';
import { requireSubscription } from './caps.ts';
import { type Handler, transportOf } from './request-handler.ts';

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
    // The transport is part of the key: after a change of transports the same stream is consumed anew.
    const wanted = [...producers.values()].map((producer) => ({ producer, key: `${over}<${producer}` }));
    try {
      const consumers = await Promise.all(
        wanted.map(({ producer, key }) =>
          room.command('consume', {
            key,
            transport: over,
            producer,
            rtpCapabilities,
            appData: { connectionId: member.id, streamId },
          }),
        ),
      );
      const before = member.subscriptions.get(streamId);
      const createdAt = before?.createdAt ?? Date.now();
      // Consumers have gone with their transport.
      const still = before?.consumers.filter((key) => member.transports.has(key.slice(0, key.indexOf('<')))) ?? [];
      member.subscriptions.set(streamId, {
        consumers: [...new Set([...still, ...wanted.map(({ key }) => key)])],
        createdAt,
      });
      const published = session.members.get(stream.connectionId)?.publications.get(streamId);
      if (published === publication && session.members.get(member.id) === member)
        session.note({ kind: 'subscribed', connectionId: member.id, stream, at: createdAt });
      return { stream, consumers };
    } catch (error) {
      // Its publisher may have moved it to another transport meanwhile; where all media has moved, the client begins anew.
      if (publication.producers === producers || publication.isLost || session.room !== room) throw error;
    }
  }
};
