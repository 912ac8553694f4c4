import { type Static, Type } from 'typebox';
import type { Role } from '../../../protocol/model.ts';
import { ICE_SERVER, IceServerError, iceServersOf } from '../../shared/ice-servers.ts';
import type { PlaceOptions } from '../owner/places.ts';
import { RestError } from './rest-error.ts';
import { flag, ignored, optional, text, word } from './route-schema.ts';

const ROLES: readonly Role[] = ['SUBSCRIBER', 'PUBLISHER', 'MODERATOR'];
const MAX_DATA = 16_384;

export const ROLE = word(
  ROLES,
  '`SUBSCRIBER`: only receives. `PUBLISHER`: also sends. `MODERATOR`: may also end streams and connections of others. Default: `PUBLISHER`.',
);
const RECORD = flag('Stored and returned, but without effect, as nothing is recorded. Default: true.');
const DATA = text(MAX_DATA, 'Data about this participant from your server, which the others receive. Default: none.');
const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRES = optional<number>({
  type: ['integer', 'null'],
  minimum: 1_000,
  maximum: 30 * DAY_MS,
  description: 'Lifetime of the token, ms. A participant who has joined is not affected. Default: 15 minutes.',
});
const KURENTO = ignored(['object'], 'Accepted, but without effect.');

export const CONNECTION_BODY = Type.Object({
  type: word(['WEBRTC'], 'The only supported type. Default: `WEBRTC`.'),
  data: DATA,
  role: ROLE,
  record: RECORD,
  customIceServers: optional<Static<typeof ICE_SERVER>[]>({
    type: ['array', 'null'],
    items: ICE_SERVER,
    maxItems: 16,
    description: 'STUN and TURN servers for this client. Default: those of the cluster.',
  }),
  expiresInMs: EXPIRES,
  kurentoOptions: KURENTO,
  rtspUri: ignored(['string'], 'Accepted, but without effect, like the fields below: IP cameras are not supported.'),
  adaptativeBitrate: ignored(['boolean']),
  onlyPlayWithSubscribers: ignored(['boolean']),
  networkCache: ignored(['number']),
});

export const CONNECTION_CHANGE = Type.Object({ role: ROLE, record: RECORD });

export const TOKEN_BODY = Type.Object({
  session: Type.String({ description: 'Id of the session.' }),
  role: ROLE,
  data: DATA,
  expiresInMs: EXPIRES,
  kurentoOptions: KURENTO,
});

/** @throws {RestError} 400 */
export function placeOptions(body: Static<typeof CONNECTION_BODY> | Static<typeof TOKEN_BODY>): PlaceOptions {
  const { role, data, expiresInMs } = body;
  return {
    role: role ?? 'PUBLISHER',
    serverData: data ?? '',
    record: ('record' in body ? body.record : undefined) ?? true,
    ...(typeof expiresInMs === 'number' ? { expiresInMs } : {}),
    customIceServers: 'customIceServers' in body ? checked(body.customIceServers ?? []) : [],
  };
}

function checked(given: Static<typeof ICE_SERVER>[]): PlaceOptions['customIceServers'] {
  try {
    return iceServersOf(given);
  } catch (failure) {
    if (!(failure instanceof IceServerError)) throw failure;
    throw new RestError(400, `body/customIceServers: ${failure.message} Correct this field.`);
  }
}
