import { type TOptional, type TSchema, type TUnsafe, Type } from 'typebox';
import { shared } from './answers.ts';

/** What a route takes; its types are those of its handler. */
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
  /** By status. Those that any route may have are added. */
  readonly response: Readonly<Record<number, TSchema>>;
}

/** Anyone may be refused, and anything may not be possible at this moment. */
const ALWAYS = {
  401: error('Wrong or no credentials.'),
  429: error(
    'Wrong or no credentials, too often from this address. The right ones are always accepted. `Retry-After` tells when the address is forgiven.',
  ),
  503: error(
    'Not at this moment: a node or the store does not answer. Worth trying again, after `Retry-After` seconds.',
  ),
};

/**
 * The schema of a route, for validation and for the OpenAPI document. The types of its answers are left out, as they are compared
 * with what is documented by a test, and not by hand.
 */
export function route<T extends Takes>(takes: T, documented: Documented): T {
  return Object.assign({}, takes, documented, { response: { ...ALWAYS, ...documented.response } });
}

export function error(description: string): TSchema {
  return shared('Error', description);
}

/** An answer with no body. */
export function empty(description: string): TSchema {
  return Type.Null({ description });
}

/** Clients send explicit nulls for what they leave at its default. */
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

/** Something that is taken and has no effect here. */
export const ignored = (types: readonly string[], description?: string): Optional<unknown> =>
  optional({ type: [...types, 'null'], ...about(description) });

function about(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description };
}
