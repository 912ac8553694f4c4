import { Type } from 'typebox';
import { VERSION } from '../../shared/version.ts';
import { NEVER_JOINED_MS, SWEEP_MS } from '../owner/sessions.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { route } from './route-schema.ts';

/** The OpenVidu release whose API this one follows. */
const OPENVIDU_API_VERSION = '2.32';

const CONFIG = Type.Object(
  {
    VERSION: Type.String({ description: 'Version of this server.' }),
    OPENVIDU_API_VERSION: Type.String({ description: 'The OpenVidu release whose API this one follows.' }),
    DOMAIN_OR_PUBLIC_IP: Type.String(),
    HTTPS_PORT: Type.Optional(Type.String({ description: 'Port of the public URL, if it uses https.' })),
    OPENVIDU_PUBLICURL: Type.String(),
    OPENVIDU_CDR: Type.Boolean(),
    OPENVIDU_RECORDING: Type.Boolean(),
    OPENVIDU_SESSIONS_GARBAGE_INTERVAL: Type.Integer({
      description: 'Seconds between two sweeps for abandoned sessions.',
    }),
    OPENVIDU_SESSIONS_GARBAGE_THRESHOLD: Type.Integer({
      description: 'Seconds after which a session that no client has joined ends.',
    }),
    OPENVIDU_STREAMS_FORCED_VIDEO_CODEC: Type.String({ description: 'Default video codec of a session.' }),
    OPENVIDU_STREAMS_ALLOW_TRANSCODING: Type.Boolean(),
    REJOIN_FAILOVER: Type.Union([Type.Literal('rebuild'), Type.Literal('takeover')]),
    REJOIN_RESUME_GRACE: Type.Number({ description: 'Seconds for which an absent client may resume its connection.' }),
  },
  {
    additionalProperties: false,
    description: 'The configuration of the cluster, under the names that OpenVidu uses where it has any.',
  },
);

export function registerConfigRoutes(app: RestApp, { publicUrl, failover, timing }: RestParts): void {
  const { hostname, port, protocol } = new URL(publicUrl);
  const config = {
    VERSION,
    OPENVIDU_API_VERSION,
    DOMAIN_OR_PUBLIC_IP: hostname,
    ...(protocol === 'https:' ? { HTTPS_PORT: port || '443' } : {}),
    OPENVIDU_PUBLICURL: publicUrl,
    OPENVIDU_CDR: false,
    OPENVIDU_RECORDING: false,
    OPENVIDU_SESSIONS_GARBAGE_INTERVAL: SWEEP_MS / 1_000,
    OPENVIDU_SESSIONS_GARBAGE_THRESHOLD: NEVER_JOINED_MS / 1_000,
    OPENVIDU_STREAMS_FORCED_VIDEO_CODEC: 'VP8',
    OPENVIDU_STREAMS_ALLOW_TRANSCODING: false,
    REJOIN_FAILOVER: failover,
    REJOIN_RESUME_GRACE: timing.resumeGraceMs / 1_000,
  };
  app.get(
    '/config',
    {
      schema: route(
        {},
        {
          operationId: 'getConfig',
          tags: ['cluster'],
          summary: 'Get the configuration of the cluster.',
          response: { 200: CONFIG },
        },
      ),
    },
    () => config,
  );
}
