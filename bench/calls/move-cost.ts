import { rateOf } from '../report/frames.ts';
import type { Metric, Target } from '../report/metric.ts';
import type { RemotePicture } from './remote-picture.ts';

/** The rate before an event is taken from so long. */
const STEADY_MS = 1_500;
/** A picture that is not as it was so long after the first new frame counts as one that is then. */
const BACK_MS = 8_000;

/** What it costs a receiver that a picture comes to arrive over another path. */
export interface MoveCost {
  /** From the last frame of the old path to the first of the new one, ms. */
  readonly gap: number;
  /** From the last frame of the old path to the first of a second that has the full size and rate, ms. */
  readonly back: number;
}

/** For the method of a benchmark. */
export const MOVE_METHOD = `The gap is from the last frame of the old path to the first of the new one; frames that nobody sent, which a browser paints by itself, are none. A picture is whole again, counted from the last frame of the old path, as that goes on where the event has not ended it, with the first frame of a second in which nine tenths of the frames per second of before are shown in their full size; one that is not within ${BACK_MS / 1_000} s of the first new frame counts as whole then.`;

/** Resolves when each of these pictures has moved because of an event at `since`, and is `width` px wide at its full rate. */
export function moveCosts(pictures: readonly RemotePicture[], since: number, width: number): Promise<MoveCost[]> {
  return Promise.all(
    pictures.map(async (picture) => {
      const { gap, lastAt } = await picture.moves(since);
      const rate = rateOf(await picture.frames(since - STEADY_MS), since - STEADY_MS, since);
      return { gap, back: await picture.isFull(lastAt, { width, rate }, gap + BACK_MS) };
    }),
  );
}

export interface MoveMetricsOptions {
  readonly key: string;
  readonly what: string;
  readonly costs: readonly MoveCost[];
  readonly floor?: { readonly what: string; readonly costs: readonly MoveCost[] };
  /** Of the gap. */
  readonly target?: Target;
}

export function moveMetrics({ key, what, costs, floor, target }: MoveMetricsOptions): Metric[] {
  const metric = (part: keyof MoveCost, words: string): Metric => ({
    key: `${key}.${part}`,
    what: `${what}: ${words}`,
    unit: 'ms',
    samples: costs.map((cost) => cost[part]),
    ...(floor ? { floor: { what: floor.what, samples: floor.costs.map((cost) => cost[part]) } } : {}),
  });
  return [
    { ...metric('gap', 'last old to first new frame'), ...(target ? { target } : {}) },
    metric('back', 'last old frame to full size and rate'),
  ];
}
