import type { OutboxFrame } from './outbox.ts';

/** Approximate bytes of a frame besides its data: the object, its number and its list entry. */
const AROUND_BYTES = 128;

/** Caches sizes, because the same data is often sent to many members. */
const measured = new WeakMap<object, number>();

/** Approximate size of a frame, in memory and on the wire. */
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
