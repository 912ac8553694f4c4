import type { MediaKind } from '../../protocol/model.ts';

const LOOK_MS = 20;
/** ms. What has brought nothing for so long when it is looked at first does not move: less than 8 frames a second. */
const SURE_MS = 120;
/** ms. What has moved, and has brought nothing for so long, has stopped. */
const STOPPED_MS = 500;

/** Media that is received. */
export interface Reception {
  /** Whether more can arrive. */
  readonly isLive: boolean;
  /** The time stamp played last, which changes with each frame or packet. `undefined`: nothing yet. */
  readonly last: number | undefined;
}

/** The time stamp played last, as of a moment by `performance.now()`. */
export interface Played {
  readonly last: number | undefined;
  readonly at: number;
}

export interface HandoverOptions {
  readonly kind: MediaKind;
  /** The reception that plays now. */
  readonly old: Reception;
  /** The state of `old` when `next` was requested. */
  readonly before: Played;
  readonly next: Reception;
  /** Checked repeatedly: `false` ends the wait. */
  readonly isWanted: () => boolean;
  /** Called at most once, when `old` still plays: none of its frames may be left out. Comes before any wait for `next`. */
  readonly moves: () => void;
}

/**
 * Resolves when the new reception should play instead of the old. While the old moves, that is when the new has frames. If the
 * old does not move, it resolves at once: a video keeps showing its last frame until the new track has one, and a frame that
 * comes before its track is shown is lost, which may be the only one of a still picture.
 */
export async function handover({ kind, old, before, next, isWanted, moves }: HandoverOptions): Promise<void> {
  let { last: seen, at: movedAt } = before;
  let isMoving = false;
  let arrived: number | undefined;
  let frames = 0;
  while (isWanted() && old.isLive && next.isLive) {
    const now = performance.now();
    if (old.last !== seen) {
      seen = old.last;
      movedAt = now;
      if (!isMoving) moves();
      isMoving = true;
    }
    if (next.last !== arrived) {
      arrived = next.last;
      frames += 1;
    }
    // The browser shows the very first frame of a path at once, and delays those that follow.
    if (isMoving && frames > (kind === 'video' ? 1 : 0)) return;
    if (now - movedAt > (isMoving ? STOPPED_MS : SURE_MS)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
