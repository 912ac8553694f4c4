import { type TSchema, Type } from 'typebox';

/** The answers of the REST API, for its OpenAPI document. */

const time = (description: string): TSchema => Type.Integer({ description: `${description} Unix time, ms.` });
const timeOrNull = (description: string): TSchema => nullable('integer', `${description} Unix time, ms.`);
const nullable = (type: string, description: string): TSchema => Type.Unsafe({ type: [type, 'null'], description });
const always = (description: string): TSchema => Type.Null({ description });
const words = (all: readonly string[], description: string): TSchema => Type.Unsafe({ enum: all, description });
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { additionalProperties: false, description });

/** Schemas with a name of their own in the document. */
type Shared = 'Error' | 'Session' | 'Connection' | 'Node' | 'MediaNode' | 'IceServer';

export function shared(name: Shared, description: string): TSchema {
  return Type.Unsafe({ $ref: `${name}#`, description });
}

export function listOf(name: Shared, description: string): TSchema {
  return object({ numberOfElements: Type.Integer(), content: Type.Array(shared(name, 'An element.')) }, description);
}

const ICE_SERVER = object(
  {
    url: Type.Optional(Type.String()),
    urls: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    username: Type.Optional(Type.String()),
    credential: Type.Optional(Type.String()),
  },
  'A STUN or TURN server, as given in the request.',
);

const ERROR = object(
  {
    timestamp: time('Time of the answer.'),
    status: Type.Integer({ description: 'The HTTP status.' }),
    error: Type.String({ description: 'Name of the status, e.g. `Not Found`.' }),
    message: Type.String({ description: 'What happened, and what to do about it.' }),
    path: Type.String({ description: 'The path of the request.' }),
  },
  'The body of every unsuccessful answer, except the 409 of `POST /sessions`, which is empty.',
);

const PUBLISHER = object(
  {
    createdAt: time('Time of publication.'),
    streamId: Type.String({
      description: '`str_`, then `CAM`, `SCR`, `CUS` or `MIC`, four characters, and the connection id, joined by `_`.',
    }),
    mediaOptions: object(
      {
        hasAudio: Type.Boolean(),
        audioActive: Type.Optional(
          Type.Boolean({ description: 'Whether audio is unmuted. Only if the stream has audio.' }),
        ),
        hasVideo: Type.Boolean(),
        videoActive: Type.Optional(
          Type.Boolean({
            description: 'Whether video is unmuted. This and the fields below: only if the stream has video.',
          }),
        ),
        typeOfVideo: Type.Optional(words(['CAMERA', 'SCREEN', 'CUSTOM'], 'The video source.')),
        frameRate: Type.Optional(nullable('number', 'Frames per second requested from the source.')),
        videoDimensions: Type.Optional(nullable('string', 'Pixels, as JSON: `{"width":640,"height":480}`.')),
        filter: object({}, 'Filters are not supported.'),
      },
      'The content of the stream.',
    ),
  },
  'A stream that the connection sends.',
);

const SUBSCRIBER = object(
  { createdAt: time('Time of subscription.'), streamId: Type.String() },
  'A stream that the connection receives.',
);

const CONNECTION = object(
  {
    id: Type.String({ description: 'Id of the connection: `con_` and ten characters.' }),
    object: words(['connection'], 'Type of this object.'),
    type: words(['WEBRTC'], 'Type of the connection.'),
    status: words(['pending', 'active'], '`pending` until a client has joined with the token.'),
    connectionId: Type.String({ description: 'The same as `id`.' }),
    sessionId: Type.String(),
    createdAt: time('Time of creation.'),
    activeAt: timeOrNull('Time of the join.'),
    location: nullable('string', '`unknown` once a client has joined.'),
    ip: nullable('string', 'Address of the client.'),
    platform: nullable('string', 'User agent of the client.'),
    token: nullable(
      'string',
      'The token for a single join. Null after the join, and after a change of the cluster’s secret.',
    ),
    serverData: Type.String({ description: 'The `data` given at creation.' }),
    clientData: nullable('string', 'The metadata that the client gave when it joined.'),
    record: Type.Boolean(),
    role: words(['SUBSCRIBER', 'PUBLISHER', 'MODERATOR'], 'What the participant may do.'),
    kurentoOptions: always('Not supported.'),
    customIceServers: Type.Array(shared('IceServer', 'A server for this client.')),
    rtspUri: always('Not supported.'),
    adaptativeBitrate: always('Not supported.'),
    onlyPlayWithSubscribers: always('Not supported.'),
    networkCache: always('Not supported.'),
    publishers: Type.Unsafe({ type: ['array', 'null'], items: PUBLISHER }),
    subscribers: Type.Unsafe({ type: ['array', 'null'], items: SUBSCRIBER }),
    expiresAt: Type.Optional(time('Expiry of the token; only while `pending`. Not in OpenVidu.')),
  },
  'A participant of a session, or a token for a participant who has not joined yet.',
);

const SESSION = object(
  {
    id: Type.String({ description: 'Id of the session.' }),
    object: words(['session'], 'Type of this object.'),
    sessionId: Type.String({ description: 'The same as `id`.' }),
    createdAt: time('Time of creation.'),
    recording: Type.Unsafe({ const: false, type: 'boolean', description: 'Recording is not supported.' }),
    broadcasting: Type.Unsafe({ const: false, type: 'boolean', description: 'Broadcasting is not supported.' }),
    mediaMode: words(['ROUTED'], 'Media always passes through a media node.'),
    recordingMode: words(['MANUAL'], 'Nothing is recorded automatically.'),
    defaultRecordingProperties: Type.Object({}, { description: 'As given at creation.' }),
    customSessionId: nullable('string', 'The id requested at creation, if any.'),
    mediaNode: Type.Optional(object({ id: Type.String() }, 'The media node requested at creation.')),
    forcedVideoCodec: words(['VP8', 'NONE'], 'The video codec. `NONE`: no codec was to be forced.'),
    allowTranscoding: Type.Boolean(),
    failover: words(['rebuild', 'takeover'], 'What happens to the session when a node crashes. Not in OpenVidu.'),
    mediaNodeId: Type.Optional(
      Type.String({ description: 'The media node that carries the session, once a client has joined.' }),
    ),
    connections: listOf(
      'Connection',
      'Participants; with `pendingConnections`, also tokens that no client has used yet.',
    ),
  },
  'A session.',
);

const NODE = Type.Object(
  {
    id: Type.String(),
    object: words(['node'], 'Type of this object.'),
    role: words(['master', 'media-node'], 'Role of the process.'),
    status: words(['starting', 'running', 'retiring', 'draining'], 'State of the process.'),
    load: Type.Integer({ minimum: 0, maximum: 100 }),
  },
  { description: 'A living process of the cluster, with counts that depend on its role.' },
);

const MEDIA_NODE = object(
  {
    id: Type.String({ description: 'Name of the media node; the same after a restart.' }),
    object: words(['mediaNode'], 'Type of this object.'),
    environmentId: Type.String({ description: 'Identifies this run of the process.' }),
    ip: Type.String({ description: 'Host at which masters reach it.' }),
    uri: Type.String({ description: 'URL at which masters reach it.' }),
    launchingTime: timeOrNull('Start of the process; null while the master does not hear it.'),
    connected: Type.Boolean({ description: 'Whether the answering master hears the media node.' }),
    connectionTime: timeOrNull('Since when the master hears it; null while it does not.'),
    load: Type.Number({ minimum: 0, maximum: 100 }),
    status: words(
      ['launching', 'running', 'waiting-idle-to-terminate', 'terminating', 'failed'],
      '`failed`: the media node was there but is no longer heard.',
    ),
    sessions: Type.Array(
      object(
        {
          id: Type.String(),
          object: words(['session'], 'Type of this object.'),
          sessionId: Type.String(),
          createdAt: time('Time of creation.'),
        },
        'A session whose media this node carries.',
      ),
    ),
    recordingIds: Type.Array(Type.String(), { maxItems: 0, description: 'Recording is not supported.' }),
  },
  'A process that carries media.',
);

export const SHARED: Readonly<Record<Shared, TSchema>> = {
  Error: ERROR,
  IceServer: ICE_SERVER,
  Connection: CONNECTION,
  Session: SESSION,
  Node: NODE,
  MediaNode: MEDIA_NODE,
};
