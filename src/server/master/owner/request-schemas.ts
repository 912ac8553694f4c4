import { type Static, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ConnectionId, StreamId } from '../../../protocol/ids.ts';
import type { Method, Params } from '../../../protocol/methods.ts';
import type { NetworkQuality } from '../../../protocol/model.ts';

const key = Type.String({ pattern: '^[A-Za-z0-9_-]{1,32}$' });
const streamId = Type.Unsafe<StreamId>(Type.String({ minLength: 1, maxLength: 200 }));
const connectionId = Type.Unsafe<ConnectionId>(Type.String({ minLength: 1, maxLength: 200 }));
const kind = Type.Union([Type.Literal('audio'), Type.Literal('video')]);
/** Fields that mediasoup validates itself, with its own errors. */
const media = <T>(): ReturnType<typeof Type.Unsafe<T>> =>
  Type.Unsafe<T>(Type.Object({}, { additionalProperties: true }));
const dimensions = Type.Object({
  width: Type.Number({ minimum: 0, maximum: 65_535 }),
  height: Type.Number({ minimum: 0, maximum: 65_535 }),
});
const streamChange = Type.Union([
  Type.Object({
    property: Type.Literal('videoDimensions'),
    value: dimensions,
    reason: Type.Union([Type.Literal('deviceRotated'), Type.Literal('screenResized'), Type.Literal('trackReplaced')]),
  }),
  Type.Object({
    property: Type.Union([Type.Literal('videoTrack'), Type.Literal('audioTrack')]),
    value: Type.Object({ label: Type.String({ maxLength: 256 }) }),
    reason: Type.Literal('trackReplaced'),
  }),
]);
const nothing = Type.Unsafe<Record<string, never>>(Type.Object({}));

/** The data of each request, matching the protocol's types field by field. */
const SCHEMAS = {
  createTransport: Type.Object({
    key,
    direction: Type.Union([Type.Literal('send'), Type.Literal('recv')]),
    rtpCapabilities: Type.Optional(media<NonNullable<Params<'createTransport'>['rtpCapabilities']>>()),
  }),
  connectTransport: Type.Object({ key, dtlsParameters: media<Params<'connectTransport'>['dtlsParameters']>() }),
  restartIce: Type.Object({ key }),
  closeTransport: Type.Object({ key }),
  publish: Type.Object({
    key: Type.String({ pattern: '^[A-Za-z0-9]{4}$' }),
    transport: key,
    producers: Type.Array(
      Type.Object({
        kind,
        rtpParameters: media<Params<'publish'>['producers'][number]['rtpParameters']>(),
        active: Type.Boolean(),
      }),
      { minItems: 1, maxItems: 2 },
    ),
    typeOfVideo: Type.Optional(Type.Union([Type.Literal('CAMERA'), Type.Literal('SCREEN'), Type.Literal('CUSTOM')])),
    frameRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1000 })),
    videoDimensions: Type.Optional(dimensions),
  }),
  unpublish: Type.Object({ streamId }),
  subscribe: Type.Object({ streamId, transport: key }),
  resumeConsumers: Type.Object({ streamId }),
  unsubscribe: Type.Object({ streamId }),
  setActive: Type.Object({ streamId, kind, active: Type.Boolean() }),
  reportLayers: Type.Object({ streamId, layers: Type.Integer({ minimum: 1, maximum: 3 }) }),
  changeStream: Type.Object({ streamId, change: streamChange }),
  reportQuality: Type.Object({ level: Type.Unsafe<NetworkQuality>(Type.Integer({ minimum: 0, maximum: 5 })) }),
  reportMedia: Type.Object({
    mediaId: Type.String({ minLength: 1, maxLength: 200 }),
    state: Type.Union([Type.Literal('flows'), Type.Literal('silent'), Type.Literal('unknown'), Type.Literal('shown')]),
  }),
  forceDisconnect: Type.Object({ connectionId }),
  forceUnpublish: Type.Object({ streamId }),
  signal: Type.Object({
    id: Type.String({ minLength: 1, maxLength: 64 }),
    number: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    type: Type.Optional(Type.String({ maxLength: 256 })),
    data: Type.Optional(Type.String()),
    to: Type.Optional(Type.Array(connectionId, { maxItems: 1_000 })),
  }),
  leave: nothing,
} as const;

type Fits = { [M in Method]: Static<(typeof SCHEMAS)[M]> extends Params<M> ? (typeof SCHEMAS)[M] : never };
/** By method. The type makes a schema that differs from the protocol's type fail to compile. */
export const REQUESTS: Fits = SCHEMAS;

const validators = new Map<string, Validator>(
  Object.entries(REQUESTS).map(([method, schema]) => [method, Compile(schema) as unknown as Validator]),
);

export function isMethod(name: string): name is Method {
  return validators.has(name);
}

/**
 * Checks the data of a request.
 * @throws {ProtocolError} METHOD_UNKNOWN, PARAMS_INVALID with the field
 */
export function checkParams(method: string, data: unknown): void {
  const validator = validators.get(method);
  if (!validator) throw new ProtocolError('METHOD_UNKNOWN', method.slice(0, 64));
  if (validator.Check(data)) return;
  const [first] = validator.Errors(data);
  throw new ProtocolError('PARAMS_INVALID', first ? `${first.instancePath || '/'} ${first.message}` : method);
}
