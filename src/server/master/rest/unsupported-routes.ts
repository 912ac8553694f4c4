import { Type } from 'typebox';
import type { RestApp } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { error, route } from './route-schema.ts';

const RECORDINGS = Type.Object(
  { count: Type.Literal(0), items: Type.Array(Type.Unknown(), { maxItems: 0 }) },
  { additionalProperties: false, description: 'None.' },
);
const ID = Type.Object({ recordingId: Type.String() });

const OPERATIONS = [
  ['POST', '/recordings/start', 'startRecording', undefined],
  ['POST', '/recordings/stop/:recordingId', 'stopRecording', ID],
  ['GET', '/recordings/:recordingId', 'getRecording', ID],
  ['DELETE', '/recordings/:recordingId', 'deleteRecording', ID],
  ['POST', '/broadcast/start', 'startBroadcast', undefined],
  ['POST', '/broadcast/stop', 'stopBroadcast', undefined],
] as const;

/** Answers 501 for the parts of OpenVidu's API that this server doesn't support. */
export function registerUnsupportedRoutes(app: RestApp): void {
  app.get(
    '/recordings',
    {
      schema: route(
        {},
        {
          operationId: 'listRecordings',
          tags: ['unsupported'],
          summary: 'List the recordings. Always empty.',
          response: { 200: RECORDINGS },
        },
      ),
    },
    () => ({ count: 0, items: [] }),
  );
  for (const [method, url, operationId, params] of OPERATIONS) {
    app.route({
      method,
      url,
      schema: route(params ? { params } : {}, {
        operationId,
        tags: ['unsupported'],
        summary: 'Not supported.',
        response: { 501: error('Not supported.') },
      }),
      // Refused before the body is read.
      onRequest: async ({ url: asked }) => refuse(asked),
      handler: ({ url: asked }) => refuse(asked),
    });
  }
  for (const url of ['/recordings/*', '/broadcast/*', '/recordings', '/broadcast']) {
    app.route({
      method: url === '/recordings' ? ['POST', 'PUT', 'PATCH', 'DELETE'] : app.supportedMethods.filter(isOwn),
      url,
      schema: { hide: true },
      onRequest: async ({ url: asked }) => refuse(asked),
      handler: ({ url: asked }) => refuse(asked),
    });
  }
}

/** OPTIONS and HEAD are answered for the whole API. */
function isOwn(method: string): boolean {
  return method !== 'OPTIONS' && method !== 'HEAD';
}

function refuse(url: string): never {
  throw url.includes('/broadcast')
    ? new RestError(
        501,
        'Broadcasting is not supported by this server. Broadcast from an application that joins the session.',
      )
    : new RestError(501, 'Recording is not supported by this server. Record in an application that joins the session.');
}
