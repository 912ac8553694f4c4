import { isSessionId, type SessionId, type TokenId } from './ids.ts';

/** The content of a token: where to connect, and to which session. */
export interface TokenUrl {
  /** The balancer's URL for sockets, without a trailing slash, e.g. `wss://example.org` or `wss://example.org/video`. */
  readonly base: string;
  readonly sessionId: SessionId;
  readonly token: TokenId;
}

/** The text form of a token, `ws(s)://host[:port][/path]?sessionId=S&token=tok_…`, as OpenVidu 2 clients expect it. */
export function formatTokenUrl({ base, sessionId, token }: TokenUrl): string {
  return `${base}?sessionId=${sessionId}&token=${token}`;
}

/** Parses a token; `undefined` if it isn't one. A path is the prefix under which a proxy serves the cluster. */
export function parseTokenUrl(text: string): TokenUrl | undefined {
  if (!/^wss?:\/\/[^/?#]+(\/[^?#]*)?\?/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const sessionId = url.searchParams.get('sessionId') ?? '';
  const token = url.searchParams.get('token') ?? '';
  if (!isSessionId(sessionId) || token === '') return undefined;
  return {
    base: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    sessionId,
    token: token as TokenId,
  };
}
