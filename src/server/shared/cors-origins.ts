/** The origins whose pages may use the REST API, e.g. `https://app.example.org`. */
export type CorsOrigins = readonly string[];

/**
 * The header that lets a page of `origin` read an answer; none for origins that are not listed. Answers differ by origin as soon
 * as one is listed, and caches must know.
 */
export function corsHeaders(listed: CorsOrigins, origin: string | undefined): Readonly<Record<string, string>> {
  if (listed.length === 0) return {};
  return origin !== undefined && listed.includes(origin)
    ? { vary: 'Origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': 'retry-after' }
    : { vary: 'Origin' };
}
