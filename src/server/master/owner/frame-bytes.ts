import type { OutboxFrame } from './outbox.ts';

/** Bytes that a frame takes besides its data: its own object, its number, its place in a list. */
const AROUND_BYTES = 128;

/** A frame that is told to many members is measured once. */
const measured = new WeakMap<object, number>();

/** About how much memory a frame takes, and how long it is on the wire. */
export function frameBytes(frame: OutboxFrame): number {
  const content = frame.t === 'res' && 'error' in frame ? frame.error : frame.data;
  return AROUND_BYTES + contentBytes(content);
}

/** The length of a value as JSON in UTF-8. */
export function contentBytes(content: unknown): number {
  if (typeof content !== 'object' || content === null) return Buffer.byteLength(JSON.stringify(content) ?? '');
  const known = measured.get(content);
  if (known !== undefined) return known;
  const bytes = Buffer.byteLength(JSON.stringify(content));
  measured.set(content, bytes);
  return bytes;
}
