import { createHmac } from 'node:crypto';

/** Header that names an event, so that a receiver that gets it twice can tell. */
export const EVENT_ID_HEADER = 'x-rejoin-event-id';
/** Header that proves who has sent a body, and when. */
export const SIGNATURE_HEADER = 'x-rejoin-signature';

/**
 * `t=<Unix time, s>,v1=<hex>`: the HMAC-SHA256, with the secret as its key, of the time, a full stop and the body. The time
 * is part of it, so that a receiver can refuse what somebody has recorded and sends again.
 */
export function signatureOf(body: string, secret: string, now: number): string {
  const seconds = Math.floor(now / 1_000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
