import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sameSecret } from '../../shared/identity.ts';

/** A REST request that another master has authorized and forwards, the body of `POST /internal/rest`. */
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

/** Headers that are forwarded. The client's credentials are not, as the call between masters is signed. */
export const FORWARDED_HEADERS = ['content-type', 'idempotency-key'] as const;

const MARK_HEADER = 'x-rejoin-forwarded';

/**
 * Distinguishes requests forwarded by a master from requests sent by a client. The mark is a random value that never leaves this
 * process, so no client can forge it.
 */
export class ForwardedMark {
  readonly #mark = randomBytes(24).toString('base64url');

  /** Whether another master has forwarded the request: it is authorized, and must not be forwarded again. */
  isOn({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    const given = headers[MARK_HEADER];
    return typeof given === 'string' && sameSecret(given, this.#mark);
  }

  /** Serves `POST /internal/rest` on `internal` through the REST API of `open`, for this master alone. */
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
