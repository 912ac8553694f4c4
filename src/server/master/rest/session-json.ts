import { formatTokenUrl } from '../../../protocol/token-url.ts';
import { nodeIdOf } from '../../shared/identity.ts';
import type { ConnectionRecord } from '../../store/store.ts';
import type { Member } from '../owner/member.ts';
import type { OwnedSession } from '../owner/session.ts';

/** The JSON of the REST API, with exactly the fields that OpenVidu 2's clients read. Keep keys and order: clients diff it. */

export type Json = Record<string, unknown>;

export function list(content: Json[]): Json {
  return { numberOfElements: content.length, content };
}

export function sessionJson(session: OwnedSession, socketUrl: string, pendingConnections: boolean): Json {
  const { sessionId, createdAt, properties, failover } = session.record;
  return {
    id: sessionId,
    object: 'session',
    sessionId,
    createdAt,
    recording: false,
    broadcasting: false,
    mediaMode: 'ROUTED',
    recordingMode: properties.recordingMode ?? 'MANUAL',
    defaultRecordingProperties: properties.defaultRecordingProperties ?? {},
    customSessionId: properties.customSessionId ?? null,
    ...(properties.mediaNode ? { mediaNode: { id: properties.mediaNode } } : {}),
    forcedVideoCodec: properties.forcedVideoCodec ?? 'VP8',
    allowTranscoding: properties.allowTranscoding ?? false,
    failover,
    ...(session.room ? { mediaNodeId: nodeIdOf(session.room.node) } : {}),
    connections: list(connectionsJson(session, socketUrl, pendingConnections)),
  };
}

export function connectionsJson(session: OwnedSession, socketUrl: string, pendingConnections: boolean): Json[] {
  const active = [...session.members.values()].map((member) => memberJson(session, member));
  const pending = pendingConnections ? session.pending.map(({ record }) => placeJson(session, record, socketUrl)) : [];
  return [...active, ...pending];
}

/** The JSON of a connection that no client has joined. */
export function placeJson(session: OwnedSession, place: ConnectionRecord, socketUrl: string): Json {
  const { connectionId, sessionId, createdAt, expiresAt, role, serverData, record = true } = place;
  return {
    id: connectionId,
    object: 'connection',
    type: 'WEBRTC',
    status: 'pending',
    connectionId,
    sessionId,
    createdAt,
    activeAt: null,
    location: null,
    ip: null,
    platform: null,
    token: tokenUrl(session, place, socketUrl),
    serverData,
    clientData: null,
    record,
    role,
    kurentoOptions: null,
    customIceServers: session.secrets.iceServersOf(place),
    rtspUri: null,
    adaptativeBitrate: null,
    onlyPlayWithSubscribers: null,
    networkCache: null,
    publishers: null,
    subscribers: null,
    expiresAt,
  };
}

/** `null` when the cluster's secret has changed since, because the token can't be derived any more. */
function tokenUrl({ secrets }: OwnedSession, place: ConnectionRecord, socketUrl: string): string | null {
  const token = secrets.tokenOf(place);
  return token === undefined ? null : formatTokenUrl({ base: socketUrl, sessionId: place.sessionId, token });
}

/** The JSON of such a connection in the format of `POST /tokens`. */
export function tokenJson(session: OwnedSession, place: ConnectionRecord, socketUrl: string): Json {
  const { connectionId, sessionId, createdAt, expiresAt, role, serverData } = place;
  const token = tokenUrl(session, place, socketUrl);
  return {
    id: token,
    token,
    session: sessionId,
    connectionId,
    createdAt,
    role,
    data: serverData,
    kurentoOptions: null,
    expiresAt,
  };
}

export function memberJson(session: OwnedSession, member: Member): Json {
  const { connectionId, createdAt, role, serverData, record = true } = member.record;
  const { activeAt, clientData, ip, platform } = member.record.joined;
  return {
    id: connectionId,
    object: 'connection',
    type: 'WEBRTC',
    status: 'active',
    connectionId,
    sessionId: session.record.sessionId,
    createdAt,
    activeAt,
    location: 'unknown',
    ip,
    platform,
    // A used token is worthless and is not repeated.
    token: null,
    serverData,
    clientData,
    record,
    role,
    kurentoOptions: null,
    customIceServers: session.secrets.iceServersOf(member.record),
    rtspUri: null,
    adaptativeBitrate: null,
    onlyPlayWithSubscribers: null,
    networkCache: null,
    publishers: [...member.publications.values()].map(({ stream }) => ({
      createdAt: stream.createdAt,
      streamId: stream.streamId,
      mediaOptions: {
        hasAudio: stream.hasAudio,
        ...(stream.hasAudio ? { audioActive: stream.audioActive } : {}),
        hasVideo: stream.hasVideo,
        ...(stream.hasVideo
          ? {
              videoActive: stream.videoActive,
              typeOfVideo: stream.typeOfVideo,
              frameRate: stream.frameRate ?? null,
              videoDimensions: stream.videoDimensions ? JSON.stringify(stream.videoDimensions) : null,
            }
          : {}),
        filter: {},
      },
    })),
    subscribers: [...member.subscriptions].map(([streamId, { createdAt: since }]) => ({ createdAt: since, streamId })),
  };
}
