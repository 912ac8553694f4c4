import type { NumberedFrame, ServerEvents } from '../../../protocol/frames.ts';

/** A frame that its client has not acknowledged. */
export interface Held {
  readonly frame: NumberedFrame;
  readonly bytes: number;
  readonly at: number;
  /** The content of this signal is only in the store. It counts fully at the limits, but hardly as memory. */
  readonly isAbsent?: true;
}

/** Approximate memory of a signal whose content is only in the store. */
const ABSENT_BYTES = 128;

export function memoryOf({ bytes, isAbsent }: Held): number {
  return isAbsent ? ABSENT_BYTES : bytes;
}

/** Drops the content of signals up to `keptTo`, but keeps their senders. */
export function withoutKept(all: readonly Held[], keptTo: number): Held[] {
  return all.map((held) => {
    const { frame, bytes, at } = held;
    if (held.isAbsent || frame.seq > keptTo || frame.t !== 'evt' || frame.event !== 'signal') return held;
    const { from } = frame.data;
    return { bytes, at, isAbsent: true, frame: { ...frame, data: { id: '', ...(from ? { from } : {}) } } };
  });
}

/** Restores the signals up to `keptTo`, which are the last of `kept`. Signals that the store has lost are left out. */
export function withKept(all: readonly Held[], keptTo: number, kept: readonly ServerEvents['signal'][]): Held[] {
  const isKept = ({ frame }: Held): boolean => frame.seq <= keptTo && frame.t === 'evt' && frame.event === 'signal';
  let at = kept.length - all.filter(isKept).length;
  return all.flatMap((held) => {
    if (!isKept(held)) return held;
    const data = kept[at];
    at += 1;
    if (!held.isAbsent) return held;
    return data ? { bytes: held.bytes, at: held.at, frame: { ...held.frame, data } as NumberedFrame } : [];
  });
}
