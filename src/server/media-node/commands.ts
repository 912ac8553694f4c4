import type { FastifyInstance } from 'fastify';
import Type, { type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProtocolError } from '../../protocol/errors.ts';
import { internalFailure } from '../shared/http-server.ts';
import type { InstanceId } from '../shared/identity.ts';
import type { Logger } from '../shared/logging.ts';
import type { Fence, MediaCommand, MediaCommands } from './api.ts';
import type { MediaMetrics } from './metrics.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

type Params<C extends MediaCommand> = MediaCommands[C]['params'];
type Result<C extends MediaCommand> = MediaCommands[C]['result'];

interface Command {
  readonly check: (params: unknown) => void;
  readonly run: (rooms: Rooms, fence: Fence, params: unknown) => Promise<unknown>;
}

/** Makes a function that throws PARAMS_INVALID with the path of the first error. */
function checker(schema: TSchema): (value: unknown) => void {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return;
    const [first] = compiled.Errors(value);
    throw new ProtocolError('PARAMS_INVALID', first && `${first.instancePath || '/'} ${first.message}`);
  };
}

/** `shape` contains only what mediasoup does not check itself, or checks too late. */
function command<C extends MediaCommand>(
  shape: Record<keyof Params<C>, TSchema>,
  run: (rooms: Rooms, fence: Fence, params: Params<C>) => Result<C> | Promise<Result<C>>,
): Command {
  return {
    check: checker(Type.Object(shape)),
    run: async (rooms, fence, params) => run(rooms, fence, params as Params<C>),
  };
}

function roomCommand<C extends MediaCommand>(
  shape: Record<keyof Params<C>, TSchema>,
  run: (room: Room, params: Params<C>) => Result<C> | Promise<Result<C>>,
): Command {
  return command<C>(shape, (rooms, fence, params) => run(rooms.at(fence), params));
}

function oneOf(...texts: string[]): TSchema {
  return Type.Union(texts.map((text) => Type.Literal(text)));
}

const Name = Type.String({ minLength: 1, maxLength: 512 });
const Order = Type.Optional(Type.Integer({ minimum: 0 }));
const Capabilities = Type.Object({});
const Rtp = Type.Object({ codecs: Type.Array(Type.Object({ mimeType: Name }), { minItems: 1 }) });
const Stream = Type.Object({ streamId: Name, connectionId: Name });
const Dtls = Type.Object({
  role: Type.Optional(oneOf('auto', 'client', 'server')),
  fingerprints: Type.Array(
    Type.Object({ algorithm: oneOf('sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'), value: Name }),
    { minItems: 1 },
  ),
});

const checkFence = checker(
  Type.Object({ sessionId: Name, uniqueSessionId: Name, epoch: Type.Integer({ minimum: 0 }), owner: Name }),
);
const checkEnvelope = checker(Type.Object({ fence: Type.Object({}), params: Type.Object({}) }));

const COMMANDS: { readonly [C in MediaCommand]: Command } = {
  openRoom: command<'openRoom'>({}, (rooms, fence) => rooms.open(fence)),
  closeRoom: command<'closeRoom'>({}, (rooms, fence) => {
    rooms.close(fence);
    return {};
  }),
  confirm: roomCommand<'confirm'>({}, () => ({})),
  inventory: roomCommand<'inventory'>({}, (room) => room.inventory()),
  createTransport: roomCommand<'createTransport'>(
    { key: Name, order: Order, appData: Type.Object({ connectionId: Name, direction: oneOf('send', 'recv') }) },
    (room, params) => room.createTransport(params),
  ),
  connectTransport: roomCommand<'connectTransport'>({ key: Name, dtlsParameters: Dtls }, (room, params) =>
    room.connectTransport(params),
  ),
  restartIce: roomCommand<'restartIce'>({ key: Name }, (room, params) => room.restartIce(params)),
  closeTransport: roomCommand<'closeTransport'>({ key: Name, order: Order }, (room, params) =>
    room.closeTransport(params),
  ),
  produce: roomCommand<'produce'>(
    {
      key: Name,
      order: Order,
      transport: Name,
      kind: oneOf('audio', 'video'),
      rtpParameters: Rtp,
      paused: Type.Boolean(),
      appData: Type.Object({ connectionId: Name, stream: Stream }),
    },
    (room, params) => room.produce(params),
  ),
  setProducerPaused: roomCommand<'setProducerPaused'>(
    { key: Name, paused: Type.Boolean(), order: Order },
    (room, params) => room.setProducerPaused(params),
  ),
  setProducerLayers: roomCommand<'setProducerLayers'>(
    { key: Name, layers: Type.Integer({ minimum: 1 }) },
    (room, params) => room.setProducerLayers(params),
  ),
  closeProducer: roomCommand<'closeProducer'>({ key: Name, order: Order }, (room, params) =>
    room.closeProducer(params),
  ),
  consume: roomCommand<'consume'>(
    {
      key: Name,
      order: Order,
      transport: Name,
      producer: Name,
      rtpCapabilities: Capabilities,
      appData: Type.Object({ connectionId: Name, streamId: Name }),
    },
    (room, params) => room.consume(params),
  ),
  resumeConsumer: roomCommand<'resumeConsumer'>({ key: Name }, (room, params) => room.resumeConsumer(params)),
  closeConsumer: roomCommand<'closeConsumer'>({ key: Name, order: Order }, (room, params) =>
    room.closeConsumer(params),
  ),
};

/** Runs a command. Validation comes before the fence, so that a malformed command doesn't raise the epoch. */
async function run(rooms: Rooms, name: string, body: unknown): Promise<unknown> {
  if (!Object.hasOwn(COMMANDS, name)) throw new ProtocolError('METHOD_UNKNOWN', name);
  const { check, run: runCommand } = COMMANDS[name as MediaCommand];
  checkEnvelope(body);
  const { fence, params } = body as { fence: Fence; params: unknown };
  checkFence(fence);
  check(params);
  return runCommand(rooms, fence, params);
}

/** `POST /internal/rooms` with `{ owner }`: the rooms of a master at this node. */
export function registerRoomList(app: FastifyInstance, rooms: Rooms): void {
  app.post<{ Body: { owner: InstanceId } }>('/internal/rooms', ({ body }) => ({ rooms: rooms.ownedBy(body.owner) }));
}

/** `POST /internal/media/<command>` with `{ fence, params }`: answers 200 with the result, or an error of the protocol. */
export function registerMediaCommands(app: FastifyInstance, rooms: Rooms, metrics: MediaMetrics, log: Logger): void {
  app.post<{ Params: { command: string } }>('/internal/media/:command', async (request, reply) => {
    const { command: name } = request.params;
    const done = metrics.command(Object.hasOwn(COMMANDS, name) ? name : 'unknown');
    try {
      const result = await run(rooms, name, request.body);
      done('ok');
      return result;
    } catch (error) {
      const { status, body } = internalFailure(error);
      done(body.error.code);
      const { fence } = (request.body ?? {}) as { fence?: Partial<Fence> };
      const facts = { err: error, command: name, session: fence?.uniqueSessionId };
      if (body.error.code === 'INTERNAL') log.error(facts, 'A media command failed.');
      else log.debug(facts, 'Refused a media command.');
      return reply.code(status).send(body);
    }
  });
}
