import { ProtocolError } from '../../../protocol/errors.ts';
import type { Handler } from './request-handler.ts';

/**
 * Mutes or unmutes the audio or video of a stream. Of several waiting requests only the newest is carried out: each takes a call to
 * the media node, and a client that toggles quickly must not wait for outdated ones.
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
  // The stream may have ended meanwhile, which all members have been told.
  if (member.publications.get(streamId) !== publication) throw new ProtocolError('STREAM_UNKNOWN', streamId);
  publication.stream = { ...publication.stream, [kind === 'audio' ? 'audioActive' : 'videoActive']: active };
  session.broadcast('streamActive', { streamId, kind, active }, member);
  return {};
};
