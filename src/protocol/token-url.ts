import { isSessionId, type SessionId, type TokenId } from './ids.ts';

/** What a token says: where to connect, and as what. */
export interface TokenUrl {
  /** Origin of the balancer for sockets, e.g. `wss://example.org`. */
  readonly origin: string;
  readonly sessionId: SessionId;
  readonly token: TokenId;
}

/** The text form of a token, `ws(s)://host[:port]?sessionId=S&token=tok_…`, as OpenVidu 2 clients expect it. */
export function formatTokenUrl({ origin, sessionId, token }: TokenUrl): string {
  return `${origin}?sessionId=${sessionId}&token=${token}`;
}

/** Reads a token; `undefined` when it is not one. A path in it is discarded, as OpenVidu 2 does. */
export function parseTokenUrl(text: string): TokenUrl | undefined {
  if (!/^wss?:\/\/[^/?#]+(\/[^?#]*)?\?/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const sessionId = url.searchParams.get('sessionId') ?? '';
  const token = url.searchParams.get('token') ?? '';
  if (!isSessionId(sessionId) || token === '') return undefined;
  return { origin: `${url.protocol}//${url.host}`, sessionId, token: token as TokenId };
}
