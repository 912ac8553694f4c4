import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SIZE = BigInt(ALPHABET.length);
/** More would be more than a digest of 256 bits has to give. */
const MOST = 40;

/**
 * `length` letters and digits that only those who know `secret` can tell from the words, and that are the same whenever they are
 * asked for: what a repeated request makes has the name that it had the first time. `length` is at most 40.
 */
export function derivedText(secret: string, words: readonly string[], length: number): string {
  if (length > MOST) throw new RangeError(`A digest gives ${MOST} letters and digits, not ${length}.`);
  // As JSON, so that other words cannot join to the same text.
  let rest = BigInt(`0x${createHmac('sha256', secret).update(JSON.stringify(words)).digest('hex')}`);
  let text = '';
  while (text.length < length) {
    text += ALPHABET.charAt(Number(rest % SIZE));
    rest /= SIZE;
  }
  return text;
}
