import type { MediaKind } from '../../protocol/model.ts';

/** ms. Browsers keep the figures of a connection for about as long, so that looking more often shows nothing new. */
const LOOK_MS = 50;
/** ms. Sound that has not come for so long has stopped, and there is nothing of it to lose. */
const SILENT_MS = 400;
/** ms. Nothing has moved for so long: what is shown is a still picture, or nobody sends. */
const STILL_MS = 2_000;

/** Media that is received. */
export interface Reception {
  /** Whether it can still bring something. */
  readonly isLive: boolean;
  /** How much has arrived so far: frames that have been decoded, or packets of sound. */
  count(): Promise<number>;
}

export interface HandoverOptions {
  readonly kind: MediaKind;
  /** What is played now. */
  readonly old: Reception;
  readonly next: Reception;
  /** Asked again and again: `false` ends the waiting. */
  readonly isWanted: () => boolean;
  /** The old goes on: nothing of it is to be left out. Told once at most. */
  readonly moves: () => void;
  /** Nothing moves, neither here nor there: nothing is lost where the old place ends. May be told more than once. */
  readonly still: () => void;
}

/**
 * Waits until what is received from another place is to be played instead of what is played now. A picture stays until
 * the next one has a frame to show, however long that takes: a still one stays until something is drawn. Sound that has
 * stopped has nothing to wait for.
 *
 * It counts what has been decoded, which every browser does alike, also in a tab in the background.
 */
export async function handover({ kind, old, next, isWanted, moves, still }: HandoverOptions): Promise<void> {
  const first = await old.count();
  let seen = first;
  let movedAt = performance.now();
  while (isWanted() && old.isLive && next.isLive) {
    const [count, arrived] = await Promise.all([old.count(), next.count()]);
    if (count > seen) {
      if (seen === first) moves();
      movedAt = performance.now();
    }
    seen = count;
    // The very first frame of a path is shown at once, and those that follow after the delay.
    if (arrived > (kind === 'video' && count > first ? 1 : 0)) return;
    const idleMs = performance.now() - movedAt;
    if (kind === 'audio' && idleMs > SILENT_MS) return;
    if (idleMs > STILL_MS) still();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
