import { randomBytes } from 'node:crypto';
import { sameSecret } from '../shared/identity.ts';

/**
 * The header with the demo page's key. Pages of other sites cannot send it: their browsers would first ask for permission, which no
 * answer here grants. It has no `x-rejoin-` name, because the balancer removes such headers from clients' requests.
 */
export const PAGE_KEY_HEADER = 'x-demo-page-key';

const BYTES = 16;

/** A key that the demo page must send with each request. Each start of the cluster creates another, kept only in memory. */
export class PageKey {
  readonly text = randomBytes(BYTES).toString('base64url');

  fits(given: string | readonly string[] | undefined): boolean {
    return typeof given === 'string' && sameSecret(given, this.text);
  }
}
