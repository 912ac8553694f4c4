import { createHmac } from 'node:crypto';

/** Header with the id of an event, by which a receiver recognises repetitions. */
export const EVENT_ID_HEADER = 'x-rejoin-event-id';
/** Header that proves the sender and the time of a body. */
export const SIGNATURE_HEADER = 'x-rejoin-signature';

/**
 * `t=<Unix time, s>,v1=<hex>`: the HMAC-SHA256 of the time, a full stop and the body, with the secret as key. The time lets a receiver
 * refuse recorded bodies that are sent again.
 */
export function signatureOf(body: string, secret: string, now: number): string {
  const seconds = Math.floor(now / 1_000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
