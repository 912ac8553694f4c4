import { type Static, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { ClientFrame } from '../../../protocol/frames.ts';

const id = Type.String({ minLength: 1, maxLength: 200 });
const number = Type.Integer({ minimum: 0 });

const previous = { uniqueSessionId: id, connectionId: id, resumeKey: id };
/** At most as many streams as a connection may have; the SDK's keys have four characters. */
const streamKeys = Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { maxItems: 64 });

export const GOODBYE = Type.Object({ sessionId: id, ...previous });

const HELLO = Type.Object({
  t: Type.Literal('hello'),
  v: Type.Integer(),
  sdk: Type.String({ maxLength: 200 }),
  parts: Type.Optional(Type.Boolean()),
  join: Type.Optional(
    Type.Object({
      sessionId: id,
      token: id,
      key: id,
      metadata: Type.String({ maxLength: 16_384 }),
      previous: Type.Optional(Type.Object({ ...previous, streams: Type.Optional(streamKeys) })),
    }),
  ),
  resume: Type.Optional(
    Type.Object({
      sessionId: id,
      ...previous,
      epoch: number,
      received: number,
      nextRequest: Type.Integer({ minimum: 1 }),
    }),
  ),
  goodbye: Type.Optional(GOODBYE),
});
/** Only the owner checks the data of a request, because an edge may be older than the owner. */
const REQUEST = Type.Object({
  t: Type.Literal('req'),
  id: Type.Integer({ minimum: 1 }),
  method: Type.String({ maxLength: 64 }),
  data: Type.Object({}),
  askedAgoMs: Type.Optional(number),
});
const ACK = Type.Object({ t: Type.Literal('ack'), seq: number });
const PING = Type.Object({ t: Type.Literal('ping'), parts: Type.Optional(number) });

/** By the type of the frame. */
export const CLIENT_FRAMES = { hello: HELLO, req: REQUEST, ack: ACK, ping: PING } as const;

const VALIDATORS = new Map<unknown, Validator>(
  Object.entries(CLIENT_FRAMES).map(([t, schema]) => [t, Compile(schema) as unknown as Validator]),
);

type Shape = Static<typeof HELLO> | Static<typeof REQUEST> | Static<typeof ACK> | Static<typeof PING>;

/**
 * Reads a frame from a client.
 * @throws {ProtocolError} FRAME_MALFORMED with the field that is wrong
 */
export function parseClientFrame(text: string): ClientFrame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new ProtocolError('FRAME_MALFORMED', 'not JSON');
  }
  if (typeof frame !== 'object' || frame === null || !('t' in frame)) {
    throw new ProtocolError('FRAME_MALFORMED', 'no field "t"');
  }
  const validator = VALIDATORS.get(frame.t);
  if (!validator)
    throw new ProtocolError(
      'FRAME_MALFORMED',
      `unknown type ${typeof frame.t === 'string' ? frame.t.slice(0, 40) : typeof frame.t}`,
    );
  if (!validator.Check(frame)) {
    const [first] = validator.Errors(frame);
    throw new ProtocolError('FRAME_MALFORMED', first ? `${first.instancePath || '/'} ${first.message}` : undefined);
  }
  return frame as Shape as unknown as ClientFrame;
}
