import { TLSSocket } from 'node:tls';
import { comesThroughTrusted, forwardingChain, type Received, type TrustedProxies } from '../shared/client-address.ts';

export interface ForwardedHeaders {
  readonly 'x-forwarded-for': string;
  readonly 'x-forwarded-proto': string;
  readonly 'x-forwarded-host': string;
}

/** Headers about a request's origin, and headers of the cluster itself. A client's values are not forwarded. */
const OWN_HEADERS = /^(?:x-forwarded-.*|forwarded|x-real-ip|x-rejoin-.*)$/i;

export function isOwnHeader(name: string): boolean {
  return OWN_HEADERS.test(name);
}

/** Headers that tell a server behind the balancer the client's address and the requested host. */
export function forwardedHeaders(request: Received, trusted: TrustedProxies): ForwardedHeaders {
  const { headers } = request;
  const believed = comesThroughTrusted(request, trusted);
  const proto = believed ? String(headers['x-forwarded-proto'] ?? '').toLowerCase() : '';
  const host = believed ? headers['x-forwarded-host'] : undefined;
  return {
    'x-forwarded-for': forwardingChain(request, trusted).join(', '),
    // A trusted proxy in front knows the original protocol and host.
    'x-forwarded-proto': proto === 'https' || request.socket instanceof TLSSocket ? 'https' : 'http',
    'x-forwarded-host': String(host ?? headers.host ?? ''),
  };
}
