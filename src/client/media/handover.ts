import type { MediaKind } from '../../protocol/model.ts';

const LOOK_MS = 20;
/** ms. What has brought nothing for so long when it is looked at first does not move: less than 8 frames a second. */
const SURE_MS = 120;
/** ms. What has moved, and has brought nothing for so long, has stopped. */
const STOPPED_MS = 500;

/** Media that is received. */
export interface Reception {
  /** Whether it can still bring something. */
  readonly isLive: boolean;
  /** The time stamp of what was played last: another one, and it has brought something. `undefined`: nothing yet. */
  readonly last: number | undefined;
}

/** What was played last, at one moment, by `performance.now()`. */
export interface Played {
  readonly last: number | undefined;
  readonly at: number;
}

export interface HandoverOptions {
  readonly kind: MediaKind;
  /** What is played now. */
  readonly old: Reception;
  /** And what it had played when the next was asked for. */
  readonly before: Played;
  readonly next: Reception;
  /** Asked again and again: `false` ends the waiting. */
  readonly isWanted: () => boolean;
  /** The old goes on: nothing of it is to be left out. Told once at most, before anything of the next is waited for. */
  readonly moves: () => void;
}

/**
 * Waits until what is received from another place is to be played instead of what is played now: for as long as the old
 * moves, until there is something of the next. What does not move is not waited for: a video goes on showing its last frame
 * until the next track has one, and a frame that comes before its track is shown is lost, which may be the only one of a
 * still picture.
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
    // The very first frame of a path is shown at once, and those that follow after the delay.
    if (isMoving && frames > (kind === 'video' ? 1 : 0)) return;
    if (now - movedAt > (isMoving ? STOPPED_MS : SURE_MS)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
