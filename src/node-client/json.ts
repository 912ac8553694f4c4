/** Parses JSON of unknown shape, field by field. */

/** A JSON object with unknown fields. */
export type Json = Readonly<Record<string, unknown>>;

/** The JSON lacks required fields. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw new ShapeError(`${what} is not an object.`);
  return value;
}

/** A required string. */
export function string(json: Json, field: string): string {
  const value = json[field];
  if (typeof value !== 'string') throw new ShapeError(`"${field}" is not a string.`);
  return value;
}

export function optionalString(json: Json, field: string): string | null {
  const value = json[field];
  return typeof value === 'string' ? value : null;
}

export function optionalNumber(json: Json, field: string): number | null {
  const value = json[field];
  return typeof value === 'number' ? value : null;
}

export function optionalBoolean(json: Json, field: string): boolean | null {
  const value = json[field];
  return typeof value === 'boolean' ? value : null;
}

export function boolean(json: Json, field: string): boolean {
  return json[field] === true;
}

/** The objects in a list; none if it isn't a list. */
export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The `content` of `{ numberOfElements, content }`. */
export function content(value: unknown, what: string): Json[] {
  const list = object(value, what)['content'];
  if (!Array.isArray(list)) throw new ShapeError(`${what} has no "content".`);
  return objects(list);
}

/** The value if it is one of the words, otherwise the first of them, which is the default. */
export function word<W extends string>(value: unknown, words: readonly [W, ...W[]]): W {
  return words.find((one) => one === value) ?? words[0];
}
