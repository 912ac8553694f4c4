import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { randomText } from '../../protocol/ids.ts';
import { internalKey } from './identity.ts';
import { ReplayWindow } from './replay-window.ts';
import type { Secrets } from './secrets.ts';

/**
 * Calls between the processes of a cluster are signed: HMAC-SHA-256 over the time, a number used once, the method, the path with its
 * query, the SHA-256 of the body, the caller and the called instance. The key is never sent. A call cannot be changed, sent to another
 * process, or sent twice.
 */

/** The header: `v1 <Unix time, ms> <caller's random name>.<number> <SHA-256 of the body> <HMAC>`; both digests in base64url. */
export const SIGNATURE_HEADER = 'x-rejoin-call';

/** How far the clocks of two machines may differ; the same limit as in Kerberos. A stolen call is useless after that. */
export const MAX_SKEW_MS = 5 * 60 * 1_000;

/** The parts of a call that the signature covers. */
export interface SignedCall {
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  readonly caller: string;
  /** The intended instance; empty: any. */
  readonly target: string;
}

/** Why a call was refused. */
export type SignatureFault = 'missing' | 'malformed' | 'wrong' | 'clock' | 'repeated';

export type Verified =
  | { readonly kind: 'genuine'; readonly bodyHash: string }
  | { readonly kind: 'refused'; readonly fault: SignatureFault; readonly skewMs?: number };

export function hashBody(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('base64url');
}

/** The hash of an empty body. */
export const NO_BODY = hashBody('');

/** Signs the calls of one process. */
export class CallSigner {
  readonly #secrets: Secrets;
  readonly #name = randomText(16);
  readonly #key = keyCache();
  #count = 0;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** The value of the header. `body`: exactly as sent. */
  sign(call: SignedCall, body: string): string {
    this.#count += 1;
    const bodyHash = body === '' ? NO_BODY : hashBody(body);
    const stamp = `${Date.now()} ${this.#name}.${this.#count} ${bodyHash}`;
    return `v1 ${stamp} ${mac(this.#key(this.#secrets.current), call, stamp).toString('base64url')}`;
  }
}

const FORMAT = /^v1 ((\d{1,16}) ([A-Za-z0-9]{16})\.(\d{1,15}) ([\w-]{43})) ([\w-]{43})$/;

/** Verifies the calls to one process. */
export class CallVerifier {
  readonly #secrets: Secrets;
  readonly #window: ReplayWindow;
  readonly #key = keyCache();
  readonly #now: () => number;

  /** `now`: Unix time, ms. */
  constructor(secrets: Secrets, now: () => number = Date.now, window: ReplayWindow = new ReplayWindow()) {
    this.#secrets = secrets;
    this.#now = now;
    this.#window = window;
  }

  verify(header: string | string[] | undefined, call: SignedCall): Verified {
    if (header === undefined) return { kind: 'refused', fault: 'missing' };
    const [, stamp, time, name, number, bodyHash, given] = FORMAT.exec(String(header)) ?? [];
    if (!stamp || !name || !bodyHash || !given) return { kind: 'refused', fault: 'malformed' };
    const proof = Buffer.from(given, 'base64url');
    const isGenuine = this.#secrets.accepted.some((secret) => {
      const expected = mac(this.#key(secret), call, stamp);
      return expected.length === proof.length && timingSafeEqual(expected, proof);
    });
    if (!isGenuine) return { kind: 'refused', fault: 'wrong' };
    const skewMs = Number(time) - this.#now();
    if (Math.abs(skewMs) > MAX_SKEW_MS) return { kind: 'refused', fault: 'clock', skewMs };
    if (!this.#window.admit(name, Number(number))) return { kind: 'refused', fault: 'repeated' };
    return { kind: 'genuine', bodyHash };
  }
}

function mac(key: string, { method, path, caller, target }: SignedCall, stamp: string): Buffer {
  // JSON, so that no other fields yield the same text.
  const signed = JSON.stringify(['rejoin call v1', stamp, method, path, caller, target]);
  return createHmac('sha256', key).update(signed).digest();
}

/** Derived keys by secret. There are at most two at a time, and a rotation brings others. */
function keyCache(): (secret: string) => string {
  const keys = new Map<string, string>();
  return (secret) => {
    const known = keys.get(secret) ?? internalKey(secret);
    if (!keys.has(secret)) {
      if (keys.size > 4) keys.clear();
      keys.set(secret, known);
    }
    return known;
  };
}
