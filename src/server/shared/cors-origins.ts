/** The origins whose pages may use the REST API, e.g. `https://app.example.org`. */
export type CorsOrigins = readonly string[];

/**
 * The headers that let a page of `origin` read an answer. If any origin is listed, answers depend on the origin, so `vary` tells
 * caches.
 */
export function corsHeaders(listed: CorsOrigins, origin: string | undefined): Readonly<Record<string, string>> {
  if (listed.length === 0) return {};
  return origin !== undefined && listed.includes(origin)
    ? { vary: 'Origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': 'retry-after' }
    : { vary: 'Origin' };
}
