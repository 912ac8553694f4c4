import { ProtocolError } from '../../../protocol/errors.ts';
import { streamIdOf } from '../../../protocol/ids.ts';
import type { Params } from '../../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';
import { requireStream } from './caps.ts';
import type { MediaRoom } from './media-room.ts';
import type { Member } from './member.ts';
import { Publication } from './publication.ts';
import { type Handler, transportOf } from './request-handler.ts';
import type { OwnedSession } from './session.ts';

/**
 * Publishes a stream. If the stream exists and arrives over another transport, it switches to that transport. Subscribers are told
 * of this, except after a move of all media, when every client subscribes anew anyway.
 */
export const publish: Handler<'publish'> = async (session, member, params) => {
  requirePublisher(member);
  const { room } = await session.media();
  const transport = transportOf(member, params.transport, 'send');
  const kinds = new Set(params.producers.map(({ kind }) => kind));
  if (kinds.size !== params.producers.length) throw new ProtocolError('PARAMS_INVALID', 'two producers of one kind');
  const typeOfVideo = kinds.has('video') ? (params.typeOfVideo ?? 'CUSTOM') : undefined;
  const streamId = streamIdOf(member.id, params.key, typeOfVideo);
  // The transport is part of the key, so that a producer on another transport is not taken for the existing one.
  const producers = new Map([...kinds].map((kind) => [kind, `${streamId}/${kind}@${transport}`] as const));
  const published = member.publications.get(streamId);
  const before = published?.producers;
  if (published && before && [...producers].every(([kind, key]) => before.get(kind) === key)) {
    return { stream: published.stream };
  }
  requireStream(session, member, streamId);
  const isRenewal = published !== undefined && !published.isLost;
  const renewal = (published?.stream.renewal ?? 0) + (isRenewal ? 1 : 0);
  const stream = { ...streamOf(member, params, streamId, published?.stream), ...(renewal > 0 ? { renewal } : {}) };
  let isProduced = false;
  member.publishing.push(streamId);
  try {
    await produce(room, member, params, { stream, transport, producers });
    isProduced = true;
    // The member, its role, the stream, the room and the transport may all have changed meanwhile.
    if (session.members.get(member.id) !== member) throw new ProtocolError('CONNECTION_UNKNOWN', member.id);
    requirePublisher(member);
    const isAsBefore = member.publications.get(streamId) === published && published?.producers === before;
    if (session.room !== room || !isAsBefore || !member.transports.has(transport)) {
      throw new ProtocolError('UNAVAILABLE', 'the stream has ended or its media has moved meanwhile');
    }
  } catch (error) {
    // If the media node did not answer, the client repeats the request and must find what may exist by then, unless it has given up.
    const isUnanswered = !isProduced && error instanceof ProtocolError && error.code === 'UNAVAILABLE';
    for (const key of producers.values()) {
      if (isUnanswered) room.closings.unlessAskedAgain('closeProducer', key);
      else void room.closings.close('closeProducer', key);
    }
    throw error;
  } finally {
    member.publishing.splice(member.publishing.indexOf(streamId), 1);
  }
  if (published) {
    carry(session, member, { publication: published, stream, producers });
    return { stream };
  }
  member.publications.set(streamId, new Publication(stream, producers));
  member.awaitNoMore(params.key);
  session.log.info({ connection: member.id, stream: streamId }, 'A stream was published.');
  session.broadcast('streamCreated', { stream }, member);
  session.note({ kind: 'published', stream });
  return { stream };
};

type Producers = ReadonlyMap<MediaKind, string>;

function streamOf(
  member: Member,
  params: Params<'publish'>,
  streamId: StreamInfo['streamId'],
  before: StreamInfo | undefined,
): StreamInfo {
  const producerOf = (kind: MediaKind) => params.producers.find((producer) => producer.kind === kind);
  const [audio, video] = [producerOf('audio'), producerOf('video')];
  return {
    streamId,
    connectionId: member.id,
    createdAt: before?.createdAt ?? Date.now(),
    hasAudio: audio !== undefined,
    hasVideo: video !== undefined,
    audioActive: audio?.active ?? false,
    videoActive: video?.active ?? false,
    ...(video ? { typeOfVideo: params.typeOfVideo ?? 'CUSTOM' } : {}),
    ...(params.frameRate === undefined ? {} : { frameRate: params.frameRate }),
    ...(params.videoDimensions ? { videoDimensions: params.videoDimensions } : {}),
  };
}

async function produce(
  room: MediaRoom,
  member: Member,
  params: Params<'publish'>,
  { stream, transport, producers }: { stream: StreamInfo; transport: string; producers: Producers },
): Promise<void> {
  await Promise.all(
    params.producers.map(({ kind, rtpParameters, active }) =>
      room.command('produce', {
        key: producers.get(kind) ?? kind,
        transport,
        kind,
        rtpParameters: rtpParameters as Parameters<typeof room.command<'produce'>>[1]['rtpParameters'],
        paused: !active,
        appData: { connectionId: member.id, stream },
      }),
    ),
  );
}

function carry(
  session: OwnedSession,
  member: Member,
  { publication, stream, producers }: { publication: Publication; stream: StreamInfo; producers: Producers },
): void {
  const { streamId } = stream;
  const { stream: former, producers: left } = publication;
  // After a move of the media, subscribers wait for this call.
  publication.carry(stream, producers);
  for (const key of left.values()) void session.room?.closings.close('closeProducer', key);
  if (stream.renewal !== former.renewal) {
    session.broadcast('streamRenewed', { streamId, renewal: stream.renewal ?? 0 }, member);
  }
  // The client may have muted the stream while it had no producers to pause.
  for (const kind of ['audio', 'video'] as const) {
    const property = `${kind}Active` as const;
    if (stream[property] !== former[property]) {
      session.broadcast('streamActive', { streamId, kind, active: stream[property] }, member);
    }
  }
}

function requirePublisher(member: Member): void {
  if (member.record.role === 'SUBSCRIBER') throw new ProtocolError('NOT_PERMITTED', 'publish');
}
