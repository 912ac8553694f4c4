import type { IncomingMessage } from 'node:http';

export interface ForwardedHeaders {
  readonly 'x-forwarded-for': string;
  readonly 'x-forwarded-proto': string;
  readonly 'x-forwarded-host': string;
}

/** Headers that tell a server behind the balancer who asked, and for which address. */
export function forwardedHeaders({ headers, socket }: IncomingMessage): ForwardedHeaders {
  const before = headers['x-forwarded-for'];
  const address = socket.remoteAddress ?? 'unknown';
  return {
    'x-forwarded-for': before ? `${String(before)}, ${address}` : address,
    // A proxy further out knows better than this one, which speaks plain HTTP only.
    'x-forwarded-proto': String(headers['x-forwarded-proto'] ?? 'http'),
    'x-forwarded-host': String(headers['x-forwarded-host'] ?? headers.host ?? ''),
  };
}
