import { type ConnectionState, readConnection } from './connection-state.ts';
import { boolean, content, isObject, type Json, object, optionalNumber, optionalString, string, word } from './json.ts';
import { FailoverPolicy, MediaMode, RecordingMode, type SessionProperties, VideoCodec } from './properties.ts';

/** The state of a session according to the server. */
export interface SessionState {
  readonly sessionId: string;
  readonly createdAt: number;
  readonly recording: boolean;
  readonly broadcasting: boolean;
  readonly properties: SessionProperties;
  readonly connections: readonly ConnectionState[];
}

/** @throws {ShapeError} */
export function readSession(body: unknown): SessionState {
  const json = object(body, 'The session');
  return {
    sessionId: string(json, 'sessionId'),
    createdAt: optionalNumber(json, 'createdAt') ?? 0,
    recording: boolean(json, 'recording'),
    broadcasting: boolean(json, 'broadcasting'),
    properties: propertiesOf(json),
    connections: content(json['connections'], 'The list of connections').map(readConnection),
  };
}

/** @throws {ShapeError} */
export function readSessions(body: unknown): SessionState[] {
  return content(body, 'The list of sessions').map(readSession);
}

function propertiesOf(json: Json): SessionProperties {
  const recording = json['defaultRecordingProperties'];
  const customSessionId = optionalString(json, 'customSessionId');
  const { MEDIA_SERVER_PREFERRED, NONE, VP8, VP9, H264 } = VideoCodec;
  return {
    ...(customSessionId ? { customSessionId } : {}),
    failover: word(json['failover'], [FailoverPolicy.rebuild, FailoverPolicy.takeover]),
    mediaMode: word(json['mediaMode'], [MediaMode.ROUTED, MediaMode.RELAYED]),
    recordingMode: word(json['recordingMode'], [RecordingMode.MANUAL, RecordingMode.ALWAYS]),
    defaultRecordingProperties: isObject(recording) ? recording : {},
    forcedVideoCodec: word(json['forcedVideoCodec'], [MEDIA_SERVER_PREFERRED, NONE, VP8, VP9, H264]),
    allowTranscoding: boolean(json, 'allowTranscoding'),
  };
}
