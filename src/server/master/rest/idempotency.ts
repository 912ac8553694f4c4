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
        'Chosen by the client, 1 to 128 visible ASCII characters. The same request with the same key makes nothing twice, ' +
        'whichever master it reaches, also after the one that has carried it out has crashed.',
    }),
  ),
});

/** A request that may be said again. What it makes gets its names from here, the same ones each time. */
export interface RepeatableRequest {
  readonly asked: Asked;
  /** A name of so many letters and digits for something that this request makes, in the place that `within` names. */
  name(within: string, length: number): string;
}

/** Reads idempotency keys. Nothing is kept of them: whatever is made says by its name which request has made it. */
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

/** @throws {RestError} 422 when something else was asked for with the same key */
export function requireSame(made: Asked | undefined, asked: Asked): void {
  if (made?.fingerprint !== asked.fingerprint) throw otherBody();
}

export function otherBody(): RestError {
  return new RestError(
    422,
    'This Idempotency-Key has come with another body before. Send the same body again, or choose another key.',
  );
}
