import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { TlsCertificate } from '../balancer/balancer-server.ts';
import type { BalancerFlags } from './flags.ts';
import { UsageError } from './usage-error.ts';

/** `undefined` without TLS. @throws {UsageError} TlsIncomplete, TlsUnusable */
export function tlsOf({ tlsCert, tlsKey }: Pick<BalancerFlags, 'tlsCert' | 'tlsKey'>): TlsCertificate | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('TlsIncomplete', 'TLS needs a certificate and its key. Give both --tls-cert and --tls-key.');
  }
  try {
    const certificate = { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') };
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      'TlsUnusable',
      `${tlsCert} and ${tlsKey} cannot be used: ${why}. Give a matching pair of PEM files.`,
    );
  }
}
