import type { NumberedFrame, ServerEvents } from '../../../protocol/frames.ts';

/** A frame that its client has not acknowledged. */
export interface Held {
  readonly frame: NumberedFrame;
  readonly bytes: number;
  readonly at: number;
  /** A signal that is in the store alone: the frame has none of what it says. Counted at the limits as before, and not as memory. */
  readonly isAbsent?: true;
}

/** What is left of a signal that is in the store takes about so much. */
const ABSENT_BYTES = 128;

export function memoryOf({ bytes, isAbsent }: Held): number {
  return isAbsent ? ABSENT_BYTES : bytes;
}

/** Without the signals up to `keptTo`, but for whose they are. */
export function withoutKept(all: readonly Held[], keptTo: number): Held[] {
  return all.map((held) => {
    const { frame, bytes, at } = held;
    if (held.isAbsent || frame.seq > keptTo || frame.t !== 'evt' || frame.event !== 'signal') return held;
    const { from } = frame.data;
    return { bytes, at, isAbsent: true, frame: { ...frame, data: { id: '', ...(from ? { from } : {}) } } };
  });
}

/** With the signals up to `keptTo`, which are the last of `kept`. Those that are not there any more are left out. */
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
