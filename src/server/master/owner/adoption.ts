import type { ConnectionId, StreamId } from '../../../protocol/ids.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { ConnectionRecord } from '../../store/store.ts';
import { type JoinedConnection, Member } from './member.ts';
import { Publication } from './publication.ts';

/**
 * Restores a session's members for a new owner: the connections from the store, what they send and receive from the media node.
 * Anything without a member, or left incomplete by the crash, is left out; the client asks for it again and completes it.
 */
export function adoptMembers(
  connections: readonly ConnectionRecord[],
  inventory: Inventory | undefined,
): Map<ConnectionId, Member> {
  const members = new Map<ConnectionId, Member>();
  for (const record of connections)
    if (isJoined(record) && !record.goneAt)
      members.set(record.connectionId, new Member(record, undefined, Number.NEGATIVE_INFINITY));
  if (!inventory) return members;

  for (const { key, appData } of inventory.transports) {
    const member = members.get(appData.connectionId);
    if (!member) continue;
    member.transports.set(key, appData.direction);
    if (appData.rtpCapabilities) member.rtpCapabilities = appData.rtpCapabilities;
  }

  const parts = new Map<
    StreamId,
    { stream: StreamInfo; producers: Map<MediaKind, { key: string; paused: boolean }> }
  >();
  // If a stream was just being rerouted to another transport, the newer producers count.
  const renewals = ({ appData }: Inventory['producers'][number]): number => appData.stream.renewal ?? 0;
  for (const { key, kind, paused, appData } of inventory.producers.toSorted((a, b) => renewals(a) - renewals(b))) {
    const { stream } = appData;
    const producers = parts.get(stream.streamId)?.producers ?? new Map();
    parts.set(stream.streamId, { stream, producers: producers.set(kind, { key, paused }) });
  }
  for (const { stream, producers } of parts.values()) {
    const [audio, video] = [producers.get('audio'), producers.get('video')];
    const whole = (audio !== undefined) === stream.hasAudio && (video !== undefined) === stream.hasVideo;
    if (!whole) continue;
    const keys = new Map([...producers].map(([kind, { key }]) => [kind, key]));
    // The producer's own state counts: the crash may have come before `appData` was updated.
    const active = { audioActive: audio?.paused === false, videoActive: video?.paused === false };
    members
      .get(stream.connectionId)
      ?.publications.set(stream.streamId, new Publication({ ...stream, ...active }, keys));
  }

  for (const { key, appData } of inventory.consumers) {
    const member = members.get(appData.connectionId);
    if (!member) continue;
    const before = member.subscriptions.get(appData.streamId);
    member.subscriptions.set(appData.streamId, {
      consumers: [...(before?.consumers ?? []), key],
      createdAt: before?.createdAt ?? Date.now(),
    });
  }
  return members;
}

export function isJoined(record: ConnectionRecord): record is JoinedConnection {
  return record.joined !== undefined;
}
