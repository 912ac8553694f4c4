import type { ConnectionId, StreamId } from '../../../protocol/ids.ts';
import type { MediaKind, StreamInfo } from '../../../protocol/model.ts';
import type { Inventory } from '../../media-node/api.ts';
import type { ConnectionRecord } from '../../store/store.ts';
import { type JoinedConnection, Member } from './member.ts';
import { Publication } from './publication.ts';

/**
 * Who is in a session and what they send and receive, as a new owner finds it: the connections in the store, the rest
 * at the media node. What belongs to nobody (any more), or was made by half when the former owner crashed, is left
 * out; its client asks for it again and completes it.
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
  // Of one that was just being moved to another transport, what is newer counts.
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
    // The producer knows best whether it is paused: the word about it may not have got into its data.
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
