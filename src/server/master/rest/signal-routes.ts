import { type Static, Type } from 'typebox';
import { ProtocolError } from '../../../protocol/errors.ts';
import { type ConnectionId, randomText } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { ServerSignal } from '../owner/server-signals.ts';
import { IDEMPOTENCY_HEADERS, otherBody, type RepeatableRequest } from './idempotency.ts';
import type { RestApp, RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { empty, error, optional, route, text } from './route-schema.ts';
import { atOwner, confirmOwned } from './session-access.ts';

const ID_LENGTH = 12;
/** Bytes of a frame around the signal. */
const FRAME_BYTES = 256;

const SIGNAL_BODY = Type.Object({
  session: Type.String({ description: 'Id of the session.' }),
  to: optional<string[]>({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 200 },
    maxItems: 1_000,
    description: 'Ids of the receiving connections. Empty, null or missing: everyone.',
  }),
  type: text(256, 'Handlers of `signal:TYPE` and of `signal` receive it.'),
  data: text(LIMITS.frameBytes, 'The content.'),
});

export function registerSignalRoutes(app: RestApp, parts: RestParts): void {
  app.post(
    '/signal',
    {
      schema: route(
        { body: SIGNAL_BODY, headers: IDEMPOTENCY_HEADERS },
        {
          operationId: 'sendSignal',
          tags: ['sessions'],
          summary: 'Send a signal from your server to participants of a session.',
          description:
            'Answered when every recipient has the signal. If a recipient is away or does not answer for 2 s, the signal is stored and delivered on return.',
          response: {
            200: empty('The signal was sent.'),
            400: error('A field is wrong; the message names it.'),
            404: error('There is no such session.'),
            406: error('The session is empty, or lacks a connection in `to`. Nobody gets the signal.'),
            422: error('The Idempotency-Key has already been used with another body.'),
            429: error('Too much already waits for a recipient, which the message names. Nobody gets the signal.'),
          },
        },
      ),
    },
    async (request, reply) => {
      const { session: sessionId, to } = request.body;
      return atOwner(parts, { sessionId, request, reply }, async (session) => {
        const repeatable = parts.keys.of(request);
        const signal = signalOf(request.body, session.record.uniqueSessionId, repeatable);
        requireFits(signal);
        // A master that was replaced without knowing would send the signal to nobody.
        await confirmOwned(session, parts);
        const said = session.serverSignals.say(signal, (to ?? []) as ConnectionId[], repeatable?.asked);
        if (said === 'otherwise') throw otherBody();
        if (typeof said === 'object') throw nobodyThere(sessionId, said.nobody);
        // If this master crashes before delivery, the request fails, and the client repeats it at the next owner.
        if (!(await session.serverSignals.secured((to ?? []) as ConnectionId[]))) {
          throw new RestError(
            503,
            'Some recipients did not get the signal, and the store could not keep it for them. Try again in a moment.',
          );
        }
        try {
          await confirmOwned(session, parts);
        } catch (failure) {
          // Without an idempotency key, a retry would deliver the signal twice to some, so don't suggest one.
          if (!(failure instanceof ProtocolError) || repeatable) throw failure;
          throw new RestError(
            503,
            'The session has ended or changed its owner; it is not known which recipients got the signal.',
          );
        }
        return reply.code(200).send();
      });
    },
  );
}

function signalOf(
  { type, data }: Static<typeof SIGNAL_BODY>,
  within: string,
  repeatable: RepeatableRequest | undefined,
): ServerSignal {
  // Recipients recognise a repetition by this id. It depends on the body, so that another body is another signal.
  const id =
    repeatable?.name(`signal in ${within} ${repeatable.asked.fingerprint}`, ID_LENGTH) ?? randomText(ID_LENGTH);
  return { id, ...(type ? { type } : {}), ...(typeof data === 'string' ? { data } : {}) };
}

/** @throws {RestError} 400 */
function requireFits(signal: ServerSignal): void {
  if (Buffer.byteLength(JSON.stringify(signal)) + FRAME_BYTES <= LIMITS.frameBytes) return;
  throw new RestError(400, 'body/data is too large for a frame of 64 KB. Send less, or a reference to it.');
}

function nobodyThere(sessionId: string, connectionId: string | undefined): RestError {
  const what =
    connectionId === undefined
      ? `Session ${sessionId} has no participants at the moment. Send the signal when one has joined`
      : `Session ${sessionId} has no connection ${connectionId.slice(0, 64)} at the moment. Leave it out of "to"`;
  return new RestError(406, `${what}.`);
}
