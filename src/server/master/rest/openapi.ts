import swagger from '@fastify/swagger';
import { Type } from 'typebox';
import { VERSION } from '../../shared/version.ts';
import { SHARED } from './answers.ts';
import type { RestApp } from './rest-api.ts';
import { error, route } from './route-schema.ts';

interface RequestBody {
  required?: boolean;
  readonly content: Readonly<Record<string, { readonly schema: { readonly required?: readonly string[] } }>>;
}

const WITH_BODY = {
  413: error('The body is larger than 1 MB.'),
  415: error('The body is not JSON.'),
};

const ABOUT = `Sessions, their connections, and the cluster that serves them, modelled on OpenVidu 2. Any master answers any request.
An answer of 502, 503 or 504 means "not at this moment": try again.`;

/** `GET /openapi.json`: this API as an OpenAPI document, made from the schemas of the routes registered after this call. */
export async function serveOpenApi(app: RestApp, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Rejoin', version: VERSION, description: ABOUT },
      servers: [{ url: publicUrl, description: 'The balancer, as clients reach it.' }],
      components: {
        securitySchemes: {
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'User OPENVIDUAPP, with the secret of the cluster as password.',
          },
        },
      },
      security: [{ basic: [] }],
      tags: [
        { name: 'sessions', description: 'Sessions and their participants.' },
        { name: 'cluster', description: 'The processes of the cluster.' },
        { name: 'unsupported', description: 'Parts of the OpenVidu API that this server does not support.' },
      ],
    },
    convertConstToEnum: false,
    // A client may send a wrong body even where none is expected.
    transform: ({ schema, url, route: { method } }) => ({
      url,
      schema:
        method === 'GET' || !schema ? schema : { ...schema, response: Object.assign({}, WITH_BODY, schema.response) },
    }),
    // A body without required fields is itself optional.
    transformObject: (made) => ('openapiObject' in made ? withOptionalBodies(made.openapiObject) : made.swaggerObject),
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json['$id'] ?? `def-${index}`) },
  });
  for (const [name, schema] of Object.entries(SHARED)) app.addSchema({ ...schema, $id: name });

  app.get(
    '/openapi.json',
    {
      config: { access: 'open' },
      schema: Object.assign(
        route(
          {},
          {
            operationId: 'getOpenApi',
            tags: ['cluster'],
            summary: 'Get this document. Needs no credentials.',
            response: { 200: Type.Object({}, { description: 'An OpenAPI document.' }) },
          },
        ),
        { security: [] },
      ),
    },
    () => app.swagger(),
  );
}

function withOptionalBodies<T extends { readonly paths?: object }>(document: T): T {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { requestBody } of Object.values(operations as Record<string, { requestBody?: RequestBody }>)) {
      if (requestBody) requestBody.required = requestBody.content['application/json']?.schema.required !== undefined;
    }
  }
  return document;
}
