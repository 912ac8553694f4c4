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
/** What is around the signal in its frame. */
const FRAME_BYTES = 256;

const SIGNAL_BODY = Type.Object({
  session: Type.String({ description: 'The session.' }),
  to: optional<string[]>({
    type: ['array', 'null'],
    items: { type: 'string', minLength: 1, maxLength: 200 },
    maxItems: 1_000,
    description: 'Connections that are to get it. Empty, null or left out: everyone.',
  }),
  type: text(256, 'Handlers of `signal:TYPE` get it, and those of `signal`.'),
  data: text(LIMITS.frameBytes, 'Whatever is to be said.'),
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
          summary: 'Send a signal as nobody in the session.',
          description:
            'Answered when everyone has got it. For who is away, or does not answer for 2 s, it is kept, and arrives when that one is back.',
          response: {
            200: empty('It has been said.'),
            400: error('A field is wrong: the message names it.'),
            404: error('There is no such session.'),
            406: error('Nobody is in the session, or not all of those in `to`. Nobody gets it.'),
            422: error('The Idempotency-Key has come with another body before.'),
            429: error('Too much waits for one of them already: the message names it. Nobody gets it.'),
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
        // A master that has been replaced without knowing would say it to nobody.
        await confirmOwned(session, parts);
        const said = session.serverSignals.say(signal, (to ?? []) as ConnectionId[], repeatable?.asked);
        if (said === 'otherwise') throw otherBody();
        if (typeof said === 'object') throw nobodyThere(sessionId, said.nobody);
        // A crash of this master before it has arrived breaks the request off instead, and it is said again to the next one.
        if (!(await session.serverSignals.secured((to ?? []) as ConnectionId[]))) {
          throw new RestError(
            503,
            'Not everybody has got the signal, and the store does not keep it for them. Try again in a moment.',
          );
        }
        try {
          await confirmOwned(session, parts);
        } catch (failure) {
          // Said again, some would have it twice.
          if (!(failure instanceof ProtocolError) || repeatable) throw failure;
          throw new RestError(503, 'The session has ended or has another owner; who got the signal is not known.');
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
  // Who has got it knows it by this id. Another body makes it another signal: nothing may be taken for what it is not.
  const id =
    repeatable?.name(`signal in ${within} ${repeatable.asked.fingerprint}`, ID_LENGTH) ?? randomText(ID_LENGTH);
  return { id, ...(type ? { type } : {}), ...(typeof data === 'string' ? { data } : {}) };
}

/** @throws {RestError} 400 */
function requireFits(signal: ServerSignal): void {
  if (Buffer.byteLength(JSON.stringify(signal)) + FRAME_BYTES <= LIMITS.frameBytes) return;
  throw new RestError(400, 'body/data is too large for one frame of 64 KB. Send less, or a reference to it.');
}

function nobodyThere(sessionId: string, connectionId: string | undefined): RestError {
  const what =
    connectionId === undefined
      ? `Nobody is in session ${sessionId} at this moment. Send it when somebody has joined`
      : `Session ${sessionId} has no connection ${connectionId.slice(0, 64)} at this moment. Leave it out of "to"`;
  return new RestError(406, `${what}.`);
}
