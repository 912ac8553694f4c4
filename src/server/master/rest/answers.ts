import { type TSchema, Type } from 'typebox';

/** What the REST API answers with, for its OpenAPI document. */

const time = (description: string): TSchema => Type.Integer({ description: `${description} Unix time, ms.` });
const timeOrNull = (description: string): TSchema => nullable('integer', `${description} Unix time, ms.`);
const nullable = (type: string, description: string): TSchema => Type.Unsafe({ type: [type, 'null'], description });
const always = (description: string): TSchema => Type.Null({ description });
const words = (all: readonly string[], description: string): TSchema => Type.Unsafe({ enum: all, description });
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { additionalProperties: false, description });

/** Those with a name of their own in the document. */
type Shared = 'Error' | 'Session' | 'Connection' | 'Node' | 'MediaNode' | 'IceServer';

export function shared(name: Shared, description: string): TSchema {
  return Type.Unsafe({ $ref: `${name}#`, description });
}

export function listOf(name: Shared, description: string): TSchema {
  return object({ numberOfElements: Type.Integer(), content: Type.Array(shared(name, 'One of them.')) }, description);
}

const ICE_SERVER = object(
  {
    url: Type.Optional(Type.String()),
    urls: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    username: Type.Optional(Type.String()),
    credential: Type.Optional(Type.String()),
  },
  'A STUN or TURN server, as it was given.',
);

const ERROR = object(
  {
    timestamp: time('When it was answered.'),
    status: Type.Integer({ description: 'The status of the answer.' }),
    error: Type.String({ description: 'Its name, e.g. `Not Found`.' }),
    message: Type.String({ description: 'What happened, and what to do about it.' }),
    path: Type.String({ description: 'What was asked for.' }),
  },
  'Every answer that is no success, but for the 409 of `POST /sessions`, which is empty.',
);

const PUBLISHER = object(
  {
    createdAt: time('Since when it is sent.'),
    streamId: Type.String({
      description: '`str_` with `CAM`, `SCR`, `CUS` or `MIC`, four characters, and the connection.',
    }),
    mediaOptions: object(
      {
        hasAudio: Type.Boolean(),
        audioActive: Type.Optional(Type.Boolean({ description: 'Whether it is unmuted. With audio only.' })),
        hasVideo: Type.Boolean(),
        videoActive: Type.Optional(
          Type.Boolean({ description: 'The same of video; the following are with video only, too.' }),
        ),
        typeOfVideo: Type.Optional(words(['CAMERA', 'SCREEN', 'CUSTOM'], 'Where it comes from.')),
        frameRate: Type.Optional(nullable('number', 'Frames per second that were asked of the source.')),
        videoDimensions: Type.Optional(nullable('string', 'JSON: `{"width":640,"height":480}`.')),
        filter: object({}, 'Filters are not supported.'),
      },
      'What is in the stream.',
    ),
  },
  'A stream that a connection sends.',
);

const SUBSCRIBER = object(
  { createdAt: time('Since when it is received.'), streamId: Type.String() },
  'A stream that a connection receives.',
);

const CONNECTION = object(
  {
    id: Type.String({ description: 'The connection: `con_` and ten characters.' }),
    object: words(['connection'], 'What this is.'),
    type: words(['WEBRTC'], 'How it is connected.'),
    status: words(['pending', 'active'], '`pending` until somebody has joined with its token.'),
    connectionId: Type.String({ description: 'The same as `id`.' }),
    sessionId: Type.String(),
    createdAt: time('When it was created.'),
    activeAt: timeOrNull('When it was joined.'),
    location: nullable('string', '`unknown` once it has been joined.'),
    ip: nullable('string', 'Address of its client.'),
    platform: nullable('string', 'Browser of its client, in its own words.'),
    token: nullable(
      'string',
      'What the client joins with, once. Not repeated after that, nor known after the cluster’s secret has been changed.',
    ),
    serverData: Type.String({ description: 'The `data` that it was created with.' }),
    clientData: nullable('string', 'What its client has told of itself.'),
    record: Type.Boolean(),
    role: words(['SUBSCRIBER', 'PUBLISHER', 'MODERATOR'], 'What it may do.'),
    kurentoOptions: always('Not supported.'),
    customIceServers: Type.Array(shared('IceServer', 'One of its own.')),
    rtspUri: always('Not supported.'),
    adaptativeBitrate: always('Not supported.'),
    onlyPlayWithSubscribers: always('Not supported.'),
    networkCache: always('Not supported.'),
    publishers: Type.Unsafe({ type: ['array', 'null'], items: PUBLISHER }),
    subscribers: Type.Unsafe({ type: ['array', 'null'], items: SUBSCRIBER }),
    expiresAt: Type.Optional(time('Only while it is pending: when its token expires. Not in OpenVidu.')),
  },
  'A place in a session, and whoever has taken it.',
);

const SESSION = object(
  {
    id: Type.String({ description: 'The session.' }),
    object: words(['session'], 'What this is.'),
    sessionId: Type.String({ description: 'The same as `id`.' }),
    createdAt: time('When it was created.'),
    recording: Type.Unsafe({ const: false, type: 'boolean', description: 'Recording is not supported.' }),
    broadcasting: Type.Unsafe({ const: false, type: 'boolean', description: 'Broadcasting is not supported.' }),
    mediaMode: words(['ROUTED'], 'Media goes through a media node.'),
    recordingMode: words(['MANUAL'], 'Nothing is recorded by itself.'),
    defaultRecordingProperties: Type.Object({}, { description: 'As they were given.' }),
    customSessionId: nullable('string', 'The id that was asked for, if one was.'),
    mediaNode: Type.Optional(object({ id: Type.String() }, 'The media node that was asked for.')),
    forcedVideoCodec: words(['VP8', 'NONE'], 'What video is made of. `NONE`: it was not to be forced.'),
    allowTranscoding: Type.Boolean(),
    failover: words(['rebuild', 'takeover'], 'What the crash of a node means. Not in OpenVidu.'),
    mediaNodeId: Type.Optional(Type.String({ description: 'Where its media is, once somebody has joined.' })),
    connections: listOf('Connection', 'Who is in it; with `pendingConnections`, also places that wait for somebody.'),
  },
  'A session.',
);

const NODE = Type.Object(
  {
    id: Type.String(),
    object: words(['node'], 'What this is.'),
    role: words(['master', 'media-node'], 'What it does.'),
    status: words(['starting', 'running', 'retiring', 'draining'], 'How it is.'),
    load: Type.Integer({ minimum: 0, maximum: 100 }),
  },
  { description: 'A process of the cluster that is alive; a master or a media node adds numbers of what it has.' },
);

const MEDIA_NODE = object(
  {
    id: Type.String({ description: 'Its name, the same after a restart.' }),
    object: words(['mediaNode'], 'What this is.'),
    environmentId: Type.String({ description: 'This run of it.' }),
    ip: Type.String({ description: 'Where masters reach it.' }),
    uri: Type.String({ description: 'The same, in full.' }),
    launchingTime: timeOrNull('When it was started; null while it is not heard.'),
    connected: Type.Boolean({ description: 'Whether the master that answers hears it.' }),
    connectionTime: timeOrNull('Since when; null while it does not.'),
    load: Type.Number({ minimum: 0, maximum: 100 }),
    status: words(
      ['launching', 'running', 'waiting-idle-to-terminate', 'terminating', 'failed'],
      '`failed`: it was there and is not heard any more.',
    ),
    sessions: Type.Array(
      object(
        {
          id: Type.String(),
          object: words(['session'], 'What this is.'),
          sessionId: Type.String(),
          createdAt: time('When it was created.'),
        },
        'A session whose media it carries.',
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
