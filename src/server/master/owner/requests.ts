import { ProtocolError } from '../../../protocol/errors.ts';
import type { RequestFrame } from '../../../protocol/frames.ts';
import type { Method } from '../../../protocol/methods.ts';
import type { TransportData } from '../../media-node/api.ts';
import { requireTransport } from './caps.ts';
import type { Member } from './member.ts';
import { publish } from './publish.ts';
import { type Handler, roomKey, transportOf } from './request-handler.ts';
import { inOrder } from './request-order.ts';
import { checkParams } from './request-schemas.ts';
import type { OwnedSession } from './session.ts';
import { setActive } from './set-active.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

/**
 * Carries out one request.
 * @throws {ProtocolError}
 */
export async function handleRequest(session: OwnedSession, member: Member, frame: RequestFrame): Promise<unknown> {
  checkParams(frame.method, frame.data);
  const handler = HANDLERS[frame.method] as Handler<Method>;
  return inOrder(session, member, frame, () => handler(session, member, frame.data, frame.askedAgoMs ?? 0));
}

function requireModerator(member: Member, what: string): void {
  if (member.record.role !== 'MODERATOR') throw new ProtocolError('NOT_PERMITTED', `${what} is for a MODERATOR`);
}

function requireMaySend(member: Member, direction: 'send' | 'recv'): void {
  if (direction === 'send' && member.record.role === 'SUBSCRIBER') {
    throw new ProtocolError('NOT_PERMITTED', 'a send transport');
  }
}

const HANDLERS: { [M in Method]: Handler<M> } = {
  createTransport: async (session, member, { key, direction, rtpCapabilities }) => {
    requireMaySend(member, direction);
    const { room } = await session.media();
    const full = roomKey(member, key);
    const isNew = !member.transports.has(full);
    if (isNew) requireTransport(session, member);
    member.transports.set(full, direction);
    const appData: TransportData = {
      connectionId: member.id,
      direction,
      ...(rtpCapabilities ? { rtpCapabilities } : {}),
    };
    if (appData.rtpCapabilities) member.rtpCapabilities = appData.rtpCapabilities;
    try {
      const made = await room.command('createTransport', { key: full, appData });
      // The member's role may have been changed meanwhile.
      requireMaySend(member, direction);
      return made;
    } catch (error) {
      if (isNew) {
        // The transport may exist if only the answer was lost.
        void room.closings.close('closeTransport', full);
        // If the media has moved meanwhile, the key belongs to a transport in the new room.
        if (session.room === room) member.transports.delete(full);
      }
      throw error;
    }
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
    await room.closings.close('closeTransport', full);
    return {};
  },

  publish,

  unpublish: async (session, member, { streamId }) => {
    // A retry after a takeover may find the stream already ended.
    if (member.publications.has(streamId)) session.streams.end(member, streamId, 'unpublish');
    else if (session.streams.doesNotCome(member, streamId)) return {};
    else if (!streamId.endsWith(member.id)) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    return {};
  },

  subscribe,

  resumeConsumers: async (session, member, { streamId }) => {
    const { room } = await session.media();
    const subscription = member.subscriptions.get(streamId);
    if (!subscription) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    const resumed = await Promise.allSettled(
      subscription.consumers.map((key) => room.command('resumeConsumer', { key })),
    );
    // Consumers of a transport that the client has given up are gone, which is no failure.
    const failed = resumed.filter((one) => one.status === 'rejected');
    if (failed[0] && failed.length === resumed.length) throw failed[0].reason;
    return {};
  },

  unsubscribe,

  setActive,

  reportLayers: async (session, member, { streamId, layers }) => {
    const key = member.publications.get(streamId)?.producers.get('video');
    if (!key) throw new ProtocolError('STREAM_UNKNOWN', `${streamId} video`);
    const { room } = await session.media();
    await room.command('setProducerLayers', { key, layers });
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

  reportMedia: async (session, member, { mediaId, state }) => {
    session.relocation.reported(member.id, mediaId, state);
    return {};
  },

  forceDisconnect: async (session, member, { connectionId }, askedAgoMs) => {
    requireModerator(member, 'forceDisconnect');
    const other = session.members.get(connectionId);
    if (other) await session.leave(other, 'forceDisconnectByUser');
    // A retry after a takeover may find the connection already gone.
    else if (askedAgoMs === 0) throw new ProtocolError('CONNECTION_UNKNOWN', connectionId);
    return {};
  },

  forceUnpublish: async (session, member, { streamId }, askedAgoMs) => {
    requireModerator(member, 'forceUnpublish');
    try {
      await session.streams.endByForce(streamId, 'forceUnpublishByUser');
    } catch (error) {
      if (askedAgoMs === 0) throw error;
    }
    return {};
  },

  signal: async (session, member, { id, number, type, data, to }, askedAgoMs) => {
    const saidAt = performance.now() - askedAgoMs;
    // A retry after a takeover goes only to members of the original moment: later ones may already have newer signals.
    const there = [...session.members.values()].filter(
      (other) => askedAgoMs === 0 || other === member || other.joinedAt <= saidAt,
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
    session.signal(signal, recipients);
    if (!to || to.length === 0) session.missedSignals.add(signal);
    session.note({ kind: 'signalled', ...signal, to: recipients.map((recipient) => recipient.id) });
    // Answer when every recipient has the signal, or the store keeps it for absent ones. If this owner crashes before, the sender
    // repeats the signal to the next owner, and recipients that have it recognise its number.
    await Promise.all(recipients.map(({ outbox }) => outbox.secured()));
    await session.confirmOwned();
    return { recipients: recipients.length };
  },

  leave: async (session, member) => {
    // Leave before answering, so that the close of the socket that follows doesn't look like a lost connection.
    void session.leave(member, 'disconnect');
    return {};
  },
};
