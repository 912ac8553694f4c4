import { type Static, Type } from 'typebox';
import type { Asked, FailoverPolicy, SessionProperties } from '../../store/store.ts';
import { RestError } from './rest-error.ts';
import { flag, optional, text, word } from './route-schema.ts';

const FAILOVER_POLICIES: readonly FailoverPolicy[] = ['rebuild', 'takeover'];
const VIDEO_CODECS = ['MEDIA_SERVER_PREFERRED', 'NONE', 'VP8', 'VP9', 'H264'] as const;

const RECORDING_PROPERTIES = {
  name: text(256, 'Stored and returned, like the fields below.'),
  hasAudio: flag(),
  hasVideo: flag(),
  outputMode: text(64),
  recordingLayout: text(64),
  customLayout: text(1_024),
  resolution: text(64),
  frameRate: optional<number>({ type: ['number', 'null'], minimum: 0 }),
  shmSize: optional<number>({ type: ['number', 'null'], minimum: 0 }),
  mediaNode: optional<{ id?: unknown }>({
    type: ['object', 'null'],
    properties: { id: { type: ['string', 'null'], maxLength: 64 } },
  }),
};

export const SESSION_BODY = Type.Object({
  customSessionId: optional<string>({
    type: ['string', 'null'],
    pattern: '^[a-zA-Z0-9_-]{0,128}$',
    description: 'Id of the session: 1 to 128 of a-z A-Z 0-9 _ -. Empty or missing: `ses_` and ten random characters.',
  }),
  mediaMode: word(['ROUTED', 'RELAYED'], 'Always treated as `ROUTED`, as in OpenVidu.'),
  recordingMode: word(['MANUAL', 'ALWAYS'], '`ALWAYS` is answered with 501, as recording is not supported.'),
  defaultRecordingProperties: optional<Record<string, unknown>>({
    type: ['object', 'null'],
    properties: RECORDING_PROPERTIES,
    description: 'Stored and returned, but without effect.',
  }),
  mediaNode: optional<{ id: string }>({
    type: ['object', 'null'],
    properties: { id: { type: 'string', minLength: 1, maxLength: 64 } },
    required: ['id'],
    description: 'The media node for the session; 404 if there is no such node. Default: the least loaded one.',
  }),
  forcedVideoCodec: word(VIDEO_CODECS, '`MEDIA_SERVER_PREFERRED` means `VP8`. `VP9` and `H264` are answered with 501.'),
  allowTranscoding: flag('Stored and returned, but without effect, as nothing is transcoded.'),
  failover: word(
    FAILOVER_POLICIES,
    'What happens to the session when a node crashes. Default: the policy of the cluster.',
  ),
});
export type SessionBody = Static<typeof SESSION_BODY>;

/**
 * The properties that a new session keeps of its request.
 * @throws {RestError} 501 when they are not supported
 */
export function propertiesOf(body: SessionBody, asked: Asked | undefined): SessionProperties {
  if (body.recordingMode === 'ALWAYS') {
    throw new RestError(501, 'Recording is not supported, so recordingMode cannot be ALWAYS. Use MANUAL.');
  }
  if (body.forcedVideoCodec === 'VP9' || body.forcedVideoCodec === 'H264') {
    throw new RestError(501, `Video cannot be ${body.forcedVideoCodec}. Use VP8, MEDIA_SERVER_PREFERRED or NONE.`);
  }
  const { customSessionId, recordingMode, defaultRecordingProperties, forcedVideoCodec, allowTranscoding, mediaNode } =
    body;
  return {
    ...(customSessionId ? { customSessionId } : {}),
    ...(recordingMode ? { recordingMode } : {}),
    ...(defaultRecordingProperties ? { defaultRecordingProperties: known(defaultRecordingProperties) } : {}),
    ...(forcedVideoCodec === 'NONE' ? { forcedVideoCodec } : {}),
    ...(allowTranscoding ? { allowTranscoding } : {}),
    ...(mediaNode ? { mediaNode: mediaNode.id } : {}),
    ...(asked ? { asked } : {}),
  };
}

/** Keeps only the known fields, so that nothing unvalidated is stored. */
function known(given: Record<string, unknown>): Record<string, unknown> {
  const { mediaNode, ...plain } = Object.fromEntries(
    Object.keys(RECORDING_PROPERTIES).flatMap((name) => {
      const value = given[name];
      return value === undefined || value === null ? [] : [[name, value] as const];
    }),
  );
  const id = typeof mediaNode === 'object' && mediaNode !== null && 'id' in mediaNode ? mediaNode.id : undefined;
  return { ...plain, ...(typeof id === 'string' ? { mediaNode: { id } } : {}) };
}
