import { rateOf } from '../report/frames.ts';
import type { Metric, Target } from '../report/metric.ts';
import type { RemotePicture } from './remote-picture.ts';

/** Time over which the rate before an event is measured. */
const STEADY_MS = 1_500;
/** Upper limit, after the first new frame, for the time until the picture is back. */
const BACK_MS = 8_000;

/** The cost for a receiver when a picture starts to arrive over another path. */
export interface MoveCost {
  /** From the last frame of the old path to the first of the new one, ms. */
  readonly gap: number;
  /** From the last frame of the old path to the first of a second that has the full size and rate, ms. */
  readonly back: number;
}

/** Text for the method of a benchmark. */
export const MOVE_METHOD = `The gap is from the last frame of the old path to the first of the new one; frames that the browser itself paints do not count. The time until a picture is whole again starts at the last frame of the old path, which may continue after the event. It ends with the first frame of a second that shows nine tenths of the former frame rate at full size; its upper limit is ${BACK_MS / 1_000} s after the first new frame.`;

/**
 * Resolves when each of these pictures has moved after an event at `since`, and is `width` px wide at its full rate.
 */
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
  /** For the gap. */
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
