import type { MediaKind } from '../../protocol/model.ts';

const LOOK_MS = 20;
/** ms. What is slower than this is taken for still when the next has something: 8 frames a second. */
const SURE_MS = 120;
/** ms. What has brought nothing for so long stands still, or has stopped. */
const STILL_MS = 500;

/** Media that is received. */
export interface Reception {
  /** Whether it can still bring something. */
  readonly isLive: boolean;
  /** The time stamp of what was played last: another one, and it has brought something. `undefined`: nothing yet. */
  readonly last: number | undefined;
}

export interface HandoverOptions {
  readonly kind: MediaKind;
  /** What is played now. */
  readonly old: Reception;
  readonly next: Reception;
  /** Asked again and again: `false` ends the waiting. */
  readonly isWanted: () => boolean;
}

/**
 * Waits until what is received from another place is to be played instead of what is played now: until there is something of
 * it. For as long as the old moves, that is: a video goes on showing its last frame until the next track has one, and a
 * frame that comes before its track is shown is lost, which may be the only one of a still picture.
 */
export async function handover({ kind, old, next, isWanted }: HandoverOptions): Promise<void> {
  const began = performance.now();
  let seen = old.last;
  let movedAt = began;
  let moves = false;
  let arrived: number | undefined;
  let frames = 0;
  while (isWanted() && old.isLive && next.isLive) {
    const now = performance.now();
    if (old.last !== seen) {
      seen = old.last;
      movedAt = now;
      moves = true;
    }
    if (next.last !== arrived) {
      arrived = next.last;
      frames += 1;
    }
    // The very first frame of a path is shown at once, and those that follow after the delay.
    if (moves ? frames > (kind === 'video' ? 1 : 0) : frames > 0 && now - began > SURE_MS) return;
    if (now - movedAt > STILL_MS) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
