import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SIZE = BigInt(ALPHABET.length);
/** A digest of 256 bits yields no more characters than this. */
const MOST = 40;

/**
 * Derives `length` letters and digits, at most 40, from the words. Only processes that know `secret` can do this. The result is always the
 * same, so that a retried request gives what it creates the same name.
 */
export function derivedText(secret: string, words: readonly string[], length: number): string {
  if (length > MOST) throw new RangeError(`A digest yields at most ${MOST} characters, not ${length}.`);
  // JSON, so that no other words yield the same text.
  let rest = BigInt(`0x${createHmac('sha256', secret).update(JSON.stringify(words)).digest('hex')}`);
  let text = '';
  while (text.length < length) {
    text += ALPHABET.charAt(Number(rest % SIZE));
    rest /= SIZE;
  }
  return text;
}
