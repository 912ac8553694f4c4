import fastify from 'fastify';
import { registerRestRoutes } from '../../src/server/master/rest/rest-routes.ts';
import { DEFAULT_TIMING } from '../../src/server/shared/timing.ts';

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Content {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

export interface OpenApi {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The document that a master serves at `/openvidu/api/openapi.json`, made from the same routes without a master. */
export async function openApi(): Promise<OpenApi> {
  const app = fastify();
  try {
    // The routes are registered and never called, so what their handlers need of a master can stay away.
    const parts = { publicUrl: 'https://video.example.org', corsOrigins: [], timing: DEFAULT_TIMING };
    registerRestRoutes(app, parts as unknown as Parameters<typeof registerRestRoutes>[1]);
    const answer = await app.inject('/openvidu/api/openapi.json');
    if (answer.statusCode !== 200)
      throw new Error(`The document is answered with ${answer.statusCode}: ${answer.body}`);
    return answer.json();
  } finally {
    await app.close();
  }
}
