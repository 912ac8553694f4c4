import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { derivedText } from '../../shared/derived-text.ts';
import type { Secrets } from '../../shared/secrets.ts';
import type { Asked } from '../../store/store.ts';
import { RestError } from './rest-error.ts';

const HEADER = 'idempotency-key';
const KEY_LENGTH = 32;

export const IDEMPOTENCY_HEADERS = Type.Object({
  [HEADER]: Type.Optional(
    Type.String({
      pattern: '^[!-~]{1,128}$',
      description:
        'Chosen by the client, 1 to 128 visible ASCII characters. A retry with the same key creates nothing twice. This holds at ' +
        'any master, and after a crash of the master that carried out the first request.',
    }),
  ),
});

/** A request that may be retried. The names of what it creates are derived from it, so each retry gets the same names. */
export interface RepeatableRequest {
  readonly asked: Asked;
  /** A name of `length` letters and digits for an object that this request creates. `within`: its type and scope. */
  name(within: string, length: number): string;
}

/** Reads idempotency keys. Keys are not stored: the derived name of an object tells which request created it. */
export class IdempotencyKeys {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** `undefined` when the request has no key. */
  of(request: Pick<FastifyRequest, 'headers' | 'bodyText' | 'method' | 'routeOptions'>): RepeatableRequest | undefined {
    const key = request.headers[HEADER];
    if (typeof key !== 'string') return undefined;
    const operation = `${request.method} ${request.routeOptions.url}`;
    const name = (within: string, length: number): string =>
      derivedText(this.#secrets.current, ['idempotency', operation, key, within], length);
    const fingerprint = createHash('sha256').update(request.bodyText).digest('base64url');
    return { asked: { key: name('', KEY_LENGTH), fingerprint }, name };
  }
}

/** @throws {RestError} 422 when the same key was used with another body */
export function requireSame(made: Asked | undefined, asked: Asked): void {
  if (made?.fingerprint !== asked.fingerprint) throw otherBody();
}

export function otherBody(): RestError {
  return new RestError(
    422,
    'This Idempotency-Key has already been used with another body. Send the same body again, or choose another key.',
  );
}
