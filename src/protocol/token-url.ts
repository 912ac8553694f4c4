import { isSessionId, type SessionId, type TokenId } from './ids.ts';

/** What a token says: where to connect, and as what. */
export interface TokenUrl {
  /** Where the balancer is for sockets, without a slash at its end, e.g. `wss://example.org` or `wss://example.org/video`. */
  readonly base: string;
  readonly sessionId: SessionId;
  readonly token: TokenId;
}

/** The text form of a token, `ws(s)://host[:port][/path]?sessionId=S&token=tok_…`, as OpenVidu 2 clients expect it. */
export function formatTokenUrl({ base, sessionId, token }: TokenUrl): string {
  return `${base}?sessionId=${sessionId}&token=${token}`;
}

/** Reads a token; `undefined` when it is not one. A path in it is the prefix under which a proxy serves the cluster. */
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
