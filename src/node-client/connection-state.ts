import {
  isObject,
  type Json,
  object,
  objects,
  optionalBoolean,
  optionalNumber,
  optionalString,
  string,
  word,
} from './json.ts';
import { ConnectionType, type IceServerProperties, OpenViduRole } from './properties.ts';
import { Publisher } from './publisher.ts';

/** The properties of a connection, with all defaults filled in. */
export interface EffectiveConnectionProperties {
  /** `WEBRTC`. */
  readonly type: ConnectionType;
  /** Data about the participant for the others; empty if there is none. */
  readonly data: string;
  /** No effect. */
  readonly record: boolean;
  /** The participant's permissions. */
  readonly role: OpenViduRole;
  /** Null, like the four fields below, which have no effect. */
  readonly kurentoOptions: Json | null;
  /** Null. */
  readonly rtspUri: string | null;
  /** Null. */
  readonly adaptativeBitrate: boolean | null;
  /** Null. */
  readonly onlyPlayWithSubscribers: boolean | null;
  /** Null. */
  readonly networkCache: number | null;
  /** STUN and TURN servers for this client only; empty for those of the cluster. */
  readonly customIceServers: readonly IceServerProperties[];
}

/** The state of a connection according to the server. */
export interface ConnectionState {
  readonly connectionId: string;
  readonly status: 'pending' | 'active';
  readonly createdAt: number;
  readonly activeAt: number | null;
  readonly location: string | null;
  readonly ip: string | null;
  readonly platform: string | null;
  readonly clientData: string | null;
  readonly connectionProperties: EffectiveConnectionProperties;
  readonly token: string;
  readonly publishers: readonly Publisher[];
  readonly subscribers: readonly string[];
}

/** @throws {ShapeError} */
export function readConnection(body: unknown): ConnectionState {
  const json = object(body, 'The connection');
  return {
    connectionId: string(json, 'connectionId'),
    status: word(json['status'], ['pending', 'active']),
    createdAt: optionalNumber(json, 'createdAt') ?? 0,
    activeAt: optionalNumber(json, 'activeAt'),
    location: optionalString(json, 'location'),
    ip: optionalString(json, 'ip'),
    platform: optionalString(json, 'platform'),
    clientData: optionalString(json, 'clientData'),
    connectionProperties: propertiesOf(json),
    token: optionalString(json, 'token') ?? '',
    publishers: objects(json['publishers']).map((one) => new Publisher(one)),
    subscribers: objects(json['subscribers']).map((one) => string(one, 'streamId')),
  };
}

function propertiesOf(json: Json): EffectiveConnectionProperties {
  const { PUBLISHER, SUBSCRIBER, MODERATOR } = OpenViduRole;
  const options = json['kurentoOptions'];
  return {
    type: word(json['type'], [ConnectionType.WEBRTC, ConnectionType.IPCAM]),
    data: optionalString(json, 'serverData') ?? '',
    record: json['record'] !== false,
    role: word(json['role'], [PUBLISHER, SUBSCRIBER, MODERATOR]),
    kurentoOptions: isObject(options) ? options : null,
    rtspUri: optionalString(json, 'rtspUri'),
    adaptativeBitrate: optionalBoolean(json, 'adaptativeBitrate'),
    onlyPlayWithSubscribers: optionalBoolean(json, 'onlyPlayWithSubscribers'),
    networkCache: optionalNumber(json, 'networkCache'),
    customIceServers: objects(json['customIceServers']).map(iceServerOf),
  };
}

function iceServerOf(json: Json): IceServerProperties {
  const fields = ['url', 'urls', 'staticAuthSecret', 'username', 'credential'];
  const known = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value);
  return Object.fromEntries(fields.flatMap((field) => (known(json[field]) ? [[field, json[field]]] : [])));
}
