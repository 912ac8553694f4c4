import { ProtocolError } from '../../../protocol/errors.ts';
import type { Handler } from './request-handler.ts';

/**
 * Mutes or unmutes a part of a stream. Of several that wait for their turn only the newest is carried out: the media node takes each
 * over a connection of its own, and a client that toggles quickly must not wait for states that nobody wants any more.
 */
export const setActive: Handler<'setActive'> = async (session, member, wish) => {
  const { streamId, kind, active } = wish;
  const publication = member.publications.get(streamId);
  const key = publication?.producers.get(kind);
  if (!publication || !key) throw new ProtocolError('STREAM_UNKNOWN', `${streamId} ${kind}`);
  const newest = publication.wishedActive.get(kind);
  if (newest && newest !== wish) return {};
  const { room } = await session.media();
  await room.command('setProducerPaused', { key, paused: !active });
  // It may have ended, and everyone has been told.
  if (member.publications.get(streamId) !== publication) throw new ProtocolError('STREAM_UNKNOWN', streamId);
  publication.stream = { ...publication.stream, [kind === 'audio' ? 'audioActive' : 'videoActive']: active };
  session.broadcast('streamActive', { streamId, kind, active }, member);
  return {};
};
