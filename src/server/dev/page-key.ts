import { randomBytes } from 'node:crypto';
import { sameSecret } from '../shared/identity.ts';

/**
 * The header in which the demo page shows its key. A page of another site cannot send it: its browser would ask for leave
 * first, and no answer here gives it. It is no `x-rejoin-` header, as the balancer takes those from clients away.
 */
export const PAGE_KEY_HEADER = 'x-demo-page-key';

const BYTES = 16;

/** The demo page must show this key with each call. It is made anew at each start of the cluster and kept in memory only. */
export class PageKey {
  readonly text = randomBytes(BYTES).toString('base64url');

  fits(given: string | readonly string[] | undefined): boolean {
    return typeof given === 'string' && sameSecret(given, this.text);
  }
}
