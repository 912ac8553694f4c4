import { ProtocolError } from '../../../protocol/errors.ts';
import type { RequestFrame } from '../../../protocol/frames.ts';
import { streamIdOf } from '../../../protocol/ids.ts';
import type { Method, Params, Result } from '../../../protocol/methods.ts';
import type { StreamInfo } from '../../../protocol/model.ts';
import type { TransportData } from '../../media-node/api.ts';
import type { Member } from './member.ts';
import { Publication } from './publication.ts';
import { checkParams } from './request-schemas.ts';
import type { OwnedSession } from './session.ts';

/** `askedAgoMs`: how long ago the client has asked a former owner for the same; 0: it has not. */
type Handler<M extends Method> = (
  session: OwnedSession,
  member: Member,
  params: Params<M>,
  askedAgoMs: number,
) => Promise<Result<M>>;

/**
 * Carries out one request.
 * @throws {ProtocolError}
 */
export async function handleRequest(session: OwnedSession, member: Member, frame: RequestFrame): Promise<unknown> {
  checkParams(frame.method, frame.data);
  const handler = HANDLERS[frame.method] as Handler<Method>;
  return handler(session, member, frame.data, frame.askedAgoMs ?? 0);
}

/** Keys at the media node are unique in a room; those of clients only in their connection. */
const roomKey = (member: Member, key: string): string => `${member.id}/${key}`;

function transportOf(member: Member, key: string, direction?: 'send' | 'recv'): string {
  const full = roomKey(member, key);
  const known = member.transports.get(full);
  if (!known) throw new ProtocolError('TRANSPORT_UNKNOWN', key);
  if (direction && known !== direction) throw new ProtocolError('PARAMS_INVALID', `transport ${key} is for ${known}`);
  return full;
}

function requirePublisher(member: Member): void {
  if (member.record.role === 'SUBSCRIBER') throw new ProtocolError('NOT_PERMITTED', 'publish');
}

function requireModerator(member: Member, what: string): void {
  if (member.record.role !== 'MODERATOR') throw new ProtocolError('NOT_PERMITTED', `${what} is for a MODERATOR`);
}

const HANDLERS: { [M in Method]: Handler<M> } = {
  createTransport: async (session, member, { key, direction, rtpCapabilities }) => {
    const { room } = await session.media();
    const full = roomKey(member, key);
    member.transports.set(full, direction);
    const appData: TransportData = {
      connectionId: member.id,
      direction,
      ...(rtpCapabilities ? { rtpCapabilities } : {}),
    };
    if (appData.rtpCapabilities) member.rtpCapabilities = appData.rtpCapabilities;
    return room.command('createTransport', { key: full, appData });
  },

  connectTransport: async (session, member, { key, dtlsParameters }) => {
    const { room } = await session.media();
    return room.command('connectTransport', {
      key: transportOf(member, key),
      dtlsParameters: dtlsParameters as Parameters<typeof room.command<'connectTransport'>>[1]['dtlsParameters'],
    });
  },

  restartIce: async (session, member, { key }) => {
    const { room } = await session.media();
    const { iceParameters } = await room.command('restartIce', { key: transportOf(member, key) });
    return { iceParameters };
  },

  closeTransport: async (session, member, { key }) => {
    const { room } = await session.media();
    const full = transportOf(member, key);
    member.transports.delete(full);
    return room.command('closeTransport', { key: full });
  },

  renewMedia: async (session, member) => {
    const { room } = await session.media();
    const keys = [...member.transports.keys()];
    member.loseMedia('renewed');
    // Before the answer, so that nothing that is published again is taken for what was there.
    await Promise.allSettled(keys.map((key) => room.command('closeTransport', { key })));
    return {};
  },

  publish: async (session, member, params) => {
    requirePublisher(member);
    const { room } = await session.media();
    const transport = transportOf(member, params.transport, 'send');
    const kinds = new Set(params.producers.map(({ kind }) => kind));
    if (kinds.size !== params.producers.length) throw new ProtocolError('PARAMS_INVALID', 'two producers of one kind');
    const activeOf = (kind: 'audio' | 'video'): boolean =>
      params.producers.find((producer) => producer.kind === kind)?.active ?? false;
    const typeOfVideo = kinds.has('video') ? (params.typeOfVideo ?? 'CUSTOM') : undefined;
    const streamId = streamIdOf(member.id, params.key, typeOfVideo);
    const published = member.publications.get(streamId);
    if (published && !published.isLost) return { stream: published.stream };
    const stream: StreamInfo = {
      streamId,
      connectionId: member.id,
      createdAt: published?.stream.createdAt ?? Date.now(),
      hasAudio: kinds.has('audio'),
      hasVideo: kinds.has('video'),
      audioActive: activeOf('audio'),
      videoActive: activeOf('video'),
      ...(typeOfVideo ? { typeOfVideo } : {}),
      ...(params.frameRate === undefined ? {} : { frameRate: params.frameRate }),
      ...(params.videoDimensions ? { videoDimensions: params.videoDimensions } : {}),
    };
    const producers = new Map(params.producers.map(({ kind }) => [kind, `${streamId}/${kind}`] as const));
    try {
      await Promise.all(
        params.producers.map(({ kind, rtpParameters, active }) =>
          room.command('produce', {
            key: `${streamId}/${kind}`,
            transport,
            kind,
            rtpParameters: rtpParameters as Parameters<typeof room.command<'produce'>>[1]['rtpParameters'],
            paused: !active,
            appData: { connectionId: member.id, stream },
          }),
        ),
      );
    } catch (error) {
      for (const key of producers.values()) room.attempt('closeProducer', { key });
      throw error;
    }
    if (session.members.get(member.id) !== member) throw new ProtocolError('CONNECTION_UNKNOWN', member.id);
    try {
      // It may have been made a subscriber meanwhile, which has ended only what was there.
      requirePublisher(member);
    } catch (error) {
      for (const key of producers.values()) room.attempt('closeProducer', { key });
      throw error;
    }
    if (session.room !== room) throw new ProtocolError('UNAVAILABLE', 'the media has moved meanwhile');
    if (published) {
      // Those who receive it have been waiting for this, or have to be told.
      const lost = published.restore(stream, producers);
      if (lost === 'renewed') session.broadcast('streamRenewed', { streamId }, member);
      return { stream };
    }
    member.publications.set(streamId, new Publication(stream, producers));
    session.log.info({ connection: member.id, stream: streamId }, 'A stream is published.');
    session.broadcast('streamCreated', { stream }, member);
    session.note({ kind: 'published', stream });
    return { stream };
  },

  unpublish: async (session, member, { streamId }) => {
    // Said again after a takeover, it may have been done already.
    if (member.publications.has(streamId)) session.streams.end(member, streamId, 'unpublish');
    else if (!streamId.endsWith(member.id)) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    return {};
  },

  subscribe: async (session, member, { streamId, transport }) => {
    const { room } = await session.media();
    const { rtpCapabilities } = member;
    if (!rtpCapabilities)
      throw new ProtocolError('PARAMS_INVALID', 'the transport was created without rtpCapabilities');
    const { publication } = session.streams.find(streamId);
    await publication.ready();
    const over = transportOf(member, transport, 'recv');
    // The transport is part of the key: after a change of transports the same stream is consumed anew.
    const wanted = [...publication.producers.values()].map((producer) => ({ producer, key: `${over}<${producer}` }));
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
    member.subscriptions.set(streamId, {
      consumers: [...new Set([...(before?.consumers ?? []), ...wanted.map(({ key }) => key)])],
      createdAt,
    });
    const { stream } = publication;
    const published = session.members.get(stream.connectionId)?.publications.get(streamId);
    if (published === publication && session.members.get(member.id) === member)
      session.note({ kind: 'subscribed', connectionId: member.id, stream, at: createdAt });
    return { stream, consumers };
  },

  resumeConsumers: async (session, member, { streamId }) => {
    const { room } = await session.media();
    const subscription = member.subscriptions.get(streamId);
    if (!subscription) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    const resumed = await Promise.allSettled(
      subscription.consumers.map((key) => room.command('resumeConsumer', { key })),
    );
    // Those of a transport that the client has given up are gone.
    const failed = resumed.filter((one) => one.status === 'rejected');
    if (failed[0] && failed.length === resumed.length) throw failed[0].reason;
    return {};
  },

  unsubscribe: async (session, member, { streamId }) => {
    const { room } = await session.media();
    const subscription = member.subscriptions.get(streamId);
    member.subscriptions.delete(streamId);
    session.note({ kind: 'unsubscribed', connectionId: member.id, streamId });
    // Before the answer, so that who subscribes again does not get what is about to be closed.
    await Promise.allSettled((subscription?.consumers ?? []).map((key) => room.command('closeConsumer', { key })));
    return {};
  },

  setActive: async (session, member, { streamId, kind, active }) => {
    const publication = member.publications.get(streamId);
    const key = publication?.producers.get(kind);
    if (!publication || !key) throw new ProtocolError('STREAM_UNKNOWN', `${streamId} ${kind}`);
    const { room } = await session.media();
    await room.command('setProducerPaused', { key, paused: !active });
    publication.stream = { ...publication.stream, [kind === 'audio' ? 'audioActive' : 'videoActive']: active };
    session.broadcast('streamActive', { streamId, kind, active }, member);
    return {};
  },

  changeStream: async (session, member, { streamId, change }) => {
    const publication = member.publications.get(streamId);
    if (!publication) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    if (change.property === 'videoDimensions')
      publication.stream = { ...publication.stream, videoDimensions: change.value };
    session.broadcast('streamChanged', { streamId, change }, member);
    return {};
  },

  reportQuality: async (session, member, { level }) => {
    if (member.networkQuality === level) return {};
    member.networkQuality = level;
    session.broadcast('networkQuality', { connectionId: member.id, level });
    return {};
  },

  forceDisconnect: async (session, member, { connectionId }, askedAgoMs) => {
    requireModerator(member, 'forceDisconnect');
    const other = session.members.get(connectionId);
    if (other) session.leave(other, 'forceDisconnectByUser');
    // Asked again after a takeover, it may have been done already.
    else if (askedAgoMs === 0) throw new ProtocolError('CONNECTION_UNKNOWN', connectionId);
    return {};
  },

  forceUnpublish: async (session, member, { streamId }, askedAgoMs) => {
    requireModerator(member, 'forceUnpublish');
    try {
      session.streams.endByForce(streamId, 'forceUnpublishByUser');
    } catch (error) {
      if (askedAgoMs === 0) throw error;
    }
    return {};
  },

  signal: async (session, member, { id, number, type, data, to }, askedAgoMs) => {
    const saidAt = Date.now() - askedAgoMs;
    // Said again after a takeover, it is for those who were there when it was said: later ones have had newer ones since.
    const there = [...session.members.values()].filter(
      (other) => askedAgoMs === 0 || other === member || other.record.joined.activeAt <= saidAt,
    );
    const wanted = to && to.length > 0 ? to : there.map((other) => other.id);
    const recipients = [...new Set(wanted)].map((connectionId) => {
      const recipient = session.members.get(connectionId);
      if (!recipient) throw new ProtocolError('CONNECTION_UNKNOWN', connectionId);
      return recipient;
    });
    const signal = {
      id,
      ...(type === undefined ? {} : { type }),
      ...(data === undefined ? {} : { data }),
      from: member.id,
      ...(number === undefined ? {} : { number }),
    };
    for (const recipient of recipients) session.tell(recipient, 'signal', signal);
    if (!to || to.length === 0) session.missedSignals.add(signal);
    session.note({ kind: 'signalled', ...signal, to: recipients.map((recipient) => recipient.id) });
    // Answered when it has arrived, or is kept for who is away: if this owner crashes before, the sender says it again to the
    // next one, and those who have had it recognise its number.
    await Promise.all(recipients.map(({ outbox }) => outbox.secured()));
    await session.confirmOwned();
    return { recipients: recipients.length };
  },

  leave: async (session, member) => {
    // At once, so that the end of the socket right behind this is not taken for a loss. The close is the answer.
    session.leave(member, 'disconnect');
    return {};
  },
};
