import { type TOptional, type TSchema, type TUnsafe, Type } from 'typebox';
import { shared } from './answers.ts';

/** The input that a route accepts. The types of its handler are derived from this. */
export interface Takes {
  readonly body?: TSchema;
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
}

export interface Documented {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** By status. The statuses that any route may answer with are added. */
  readonly response: Readonly<Record<number, TSchema>>;
}

/** Answers that every route may give. */
const ALWAYS = {
  401: error('Wrong or no credentials.'),
  429: error(
    'Too many requests with wrong or no credentials from this address. Right ones are always accepted. `Retry-After` says when the limit is lifted.',
  ),
  503: error('A node or the store does not answer at the moment. Try again after `Retry-After` seconds.'),
};

/**
 * The schema of a route, for validation and for the OpenAPI document. It doesn't type the answers: a test compares them with the
 * documentation.
 */
export function route<T extends Takes>(takes: T, documented: Documented): T {
  return Object.assign({}, takes, documented, { response: { ...ALWAYS, ...documented.response } });
}

export function error(description: string): TSchema {
  return shared('Error', description);
}

/** An answer without a body. */
export function empty(description: string): TSchema {
  return Type.Null({ description });
}

/** Optional and nullable, because clients send null for defaults. */
export type Optional<T> = TOptional<TUnsafe<T | null>>;

export function optional<T>(schema: Record<string, unknown>): Optional<T> {
  return Type.Optional(Type.Unsafe<T | null>(schema));
}

export const text = (most: number, description?: string): Optional<string> =>
  optional({ type: ['string', 'null'], maxLength: most, ...about(description) });

export const flag = (description?: string): Optional<boolean> =>
  optional({ type: ['boolean', 'null'], ...about(description) });

export const word = <W extends string>(words: readonly W[], description: string): Optional<W> =>
  optional({ enum: [...words, null], description });

/** A field that is accepted but has no effect. */
export const ignored = (types: readonly string[], description?: string): Optional<unknown> =>
  optional({ type: [...types, 'null'], ...about(description) });

function about(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description };
}
