import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sameSecret } from '../../shared/identity.ts';

/** A REST request that another master has let in and passes on, `POST /internal/rest`. */
export interface ForwardedRequest {
  readonly method: ForwardedMethod;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

export const FORWARDED_METHODS = ['GET', 'POST', 'DELETE', 'PATCH', 'PUT'] as const;
export type ForwardedMethod = (typeof FORWARDED_METHODS)[number];

/** Headers of the client's request that go with it. Its credentials do not: the call between masters is signed. */
export const FORWARDED_HEADERS = ['content-type', 'idempotency-key'] as const;

const MARK_HEADER = 'x-rejoin-forwarded';

/**
 * Tells a request that a master has passed on from one that a client sends. The mark is a random value of this process that never
 * leaves it, so no client can claim to be passed on.
 */
export class ForwardedMark {
  readonly #mark = randomBytes(24).toString('base64url');

  /** Whether the request came over the internal port. Then it has been let in, and is answered here, never passed on again. */
  isOn({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    const given = headers[MARK_HEADER];
    return typeof given === 'string' && sameSecret(given, this.#mark);
  }

  /** `POST /internal/rest` of `internal`: answered by the REST API of `open`, as this master alone. */
  serve(internal: FastifyInstance, open: FastifyInstance): void {
    internal.post<{ Body: ForwardedRequest }>('/internal/rest', async ({ body }): Promise<ForwardedAnswer> => {
      const { method, url, headers, body: payload } = body;
      const kept = FORWARDED_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
      const answer = await open.inject({
        method,
        url,
        headers: { ...Object.fromEntries(kept), [MARK_HEADER]: this.#mark },
        ...(payload === '' ? {} : { payload }),
      });
      const type = answer.headers['content-type'];
      return { status: answer.statusCode, type: type === undefined ? undefined : String(type), text: answer.body };
    });
  }
}
