import type { FailoverPolicy } from '../../src/server/store/store.ts';
import type { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import type { Benchmark, Context } from '../benchmark.ts';
import { startBrowser } from '../calls/browser.ts';
import { createSession, firstAt, startCallCluster } from '../calls/call-cluster.ts';
import { Caller } from '../calls/caller.ts';
import { MOVE_METHOD, type MoveCost, moveCosts, moveMetrics } from '../calls/move-cost.ts';
import { now, untilTime } from '../clock.ts';
import { RawCaller } from '../floor/raw-call.ts';
import { RawServer } from '../floor/raw-server.ts';
import { CAMERA_WIDTH } from '../page/own-media.ts';
import { buildSite } from '../page/site.ts';
import { longestGap } from '../report/frames.ts';
import type { Metric } from '../report/metric.ts';

const MASTERS = ['master-1', 'master-2'] as const;
/** Time after joining until bandwidth estimation has settled. */
const WARM_UP_MS = 1_500;
/**
 * How long the pictures are measured before and after the crash. Both spans are equal, because the longest gap grows
 * with the span.
 */
const WATCH_MS = 2_500;

/** Where a client's socket was when the owner was killed. */
type Edge = 'ownerEdge' | 'otherEdge';

interface Observed {
  readonly edge: Edge;
  readonly steadyGap: number;
  readonly gap: number;
  readonly signalBack: number;
  /** Only under `rebuild`. */
  readonly rebuilt: number | undefined;
  /** Only under `rebuild`: the media comes from another router. */
  readonly move: MoveCost | undefined;
}

const TOO_SLOW =
  'On two cores, the restart of the killed master, the returning clients and two drawing browsers coincide.';

export const ownerCrash: Benchmark = {
  name: 'owner-crash',
  title: 'the master that owns a call is killed',
  trials: 8,
  browsers: ['chromium', 'firefox'],

  async run(context) {
    const site = await buildSite(context.cleanup);
    const browser = await startBrowser(context);
    context.progress('floor: a call that is left alone');
    const alone = await leftAlone(context, site, browser);
    const running = await startCallCluster(site, context.cleanup);
    const [ann, bob] = [await Caller.open(browser, running.url, 'Ann'), await Caller.open(browser, running.url, 'Bob')];
    const observed: Record<FailoverPolicy, Observed[]> = { takeover: [], rebuild: [] };
    for (const policy of ['takeover', 'rebuild'] as const) {
      for (let trial = 0; trial < context.trials; trial += 1) {
        context.progress(`${policy}, trial ${trial + 1} of ${context.trials}`);
        observed[policy].push(...(await crash(running, [ann, bob], policy, trial)));
      }
    }
    return {
      method: `Two pages are in a video call through a cluster of two masters and two media nodes; the owner gets SIGKILL. A gap is the longest time between two shown frames in the ${WATCH_MS / 1_000} s after the kill (rebuild: until the new media plays in full), for each of the two receivers. ${MOVE_METHOD} Signalling is back when a client's signal to itself has arrived, counted from the kill. Steady state: the longest gap of the same calls in the ${WATCH_MS / 1_000} s before the kill.`,
      metrics: [...takeoverMetrics(observed.takeover, alone), ...rebuildMetrics(observed.rebuild, alone)],
    };
  },
};

async function crash(
  running: RunningCluster,
  callers: readonly [Caller, Caller],
  policy: FailoverPolicy,
  trial: number,
): Promise<Observed[]> {
  const room = `${policy}-${trial}`;
  const owner = MASTERS[trial % 2] ?? 'master-1';
  const other = MASTERS[(trial + 1) % 2] ?? 'master-2';
  await createSession(running, room, policy, owner);
  await callers[0].join({ room, urls: firstAt(running, owner) });
  await callers[1].join({ room, urls: firstAt(running, other) });
  await Promise.all(callers.map((caller) => caller.picture.sees(10)));
  await untilTime(now() + WARM_UP_MS + WATCH_MS);

  const killedAt = now();
  const pid = running.cluster.kill(owner);
  const back = await Promise.all(callers.map((caller) => caller.signalBack()));
  let watchedUntil = killedAt + WATCH_MS;
  const rebuilt: number[] = [];
  const moved: MoveCost[] = [];
  if (policy === 'rebuild') {
    rebuilt.push(...(await Promise.all(callers.map((caller) => caller.told('rebuilt')))));
    moved.push(
      ...(await moveCosts(
        callers.map(({ picture }) => picture),
        killedAt,
        CAMERA_WIDTH,
      )),
    );
    watchedUntil = now();
  }
  await untilTime(watchedUntil);
  const observed = await Promise.all(
    callers.map(async (caller, at): Promise<Observed> => {
      const frames = await caller.picture.frames();
      return {
        edge: at === 0 ? 'ownerEdge' : 'otherEdge',
        steadyGap: longestGap(frames, killedAt - WATCH_MS, killedAt),
        gap: longestGap(frames, killedAt, watchedUntil),
        signalBack: (back[at] ?? Number.NaN) - killedAt,
        rebuilt: rebuilt[at] === undefined ? undefined : rebuilt[at] - killedAt,
        move: moved[at],
      };
    }),
  );
  await Promise.all(callers.map((caller) => caller.leave()));
  await running.restarted(owner, pid);
  return observed;
}

async function leftAlone(
  { cleanup, trials }: Context,
  site: string,
  browser: Awaited<ReturnType<typeof startBrowser>>,
): Promise<number[]> {
  const server = await RawServer.start(site, cleanup);
  const callers = [await RawCaller.open(browser, server.url), await RawCaller.open(browser, server.url)];
  for (const caller of callers) await caller.join();
  await Promise.all(callers.map((caller) => caller.picture.sees(10)));
  await untilTime(now() + WARM_UP_MS);
  const began = now();
  await untilTime(began + trials * WATCH_MS);
  const frames = await Promise.all(callers.map((caller) => caller.picture.frames()));
  await Promise.all(callers.map((caller) => caller.close()));
  return frames.flatMap((shown) =>
    Array.from({ length: trials }, (_, at) => longestGap(shown, began + at * WATCH_MS, began + (at + 1) * WATCH_MS)),
  );
}

function takeoverMetrics(observed: readonly Observed[], alone: readonly number[]): Metric[] {
  const steady = observed.map(({ steadyGap }) => steadyGap);
  const floor = floorOf(alone);
  const at = (edge: Edge): Observed[] => observed.filter((one) => one.edge === edge);
  const words = [
    ['ownerEdge', 'socket at the killed master'],
    ['otherEdge', 'socket elsewhere'],
  ] as const;
  return [
    { key: 'takeover.steadyGap', what: 'takeover: longest gap before the kill', unit: 'ms', samples: steady, floor },
    ...words.map(([edge, where]) => ({
      key: `takeover.gap.${edge}`,
      what: `takeover: longest gap after it, ${where}`,
      unit: 'ms' as const,
      samples: at(edge).map(({ gap }) => gap),
      floor,
      target: {
        statistic: 'p95' as const,
        atMost: Math.max(...steady),
        meaning: 'the longest at steady state',
        whenMissed: `A takeover does not touch the media; only the load of the processor delays it. ${TOO_SLOW}`,
      },
    })),
    ...words.map(([edge, where]) => ({
      key: `takeover.signallingBack.${edge}`,
      what: `takeover: signalling back, ${where}`,
      unit: 'ms' as const,
      samples: at(edge).map(({ signalBack }) => signalBack),
      target: { statistic: 'p95' as const, atMost: 500, whenMissed: TOO_SLOW },
    })),
  ];
}

function rebuildMetrics(observed: readonly Observed[], alone: readonly number[]): Metric[] {
  return [
    {
      key: 'rebuild.steadyGap',
      what: 'rebuild: longest gap before the kill',
      unit: 'ms',
      samples: observed.map(({ steadyGap }) => steadyGap),
      floor: floorOf(alone),
    },
    {
      key: 'rebuild.longestGap',
      what: 'rebuild: longest gap after it',
      unit: 'ms',
      samples: observed.map(({ gap }) => gap),
      floor: floorOf(alone),
    },
    ...moveMetrics({
      key: 'rebuild',
      what: 'rebuild',
      costs: observed.flatMap(({ move }) => move ?? []),
      target: {
        statistic: 'p95',
        atMost: 250,
        whenMissed: `The old picture stays until the new one plays, so both are sent and drawn for a while. ${TOO_SLOW}`,
      },
    }),
    {
      key: 'rebuild.rebuilt',
      what: 'rebuild: `rebuilt` emitted',
      unit: 'ms',
      samples: observed.flatMap(({ rebuilt }) => (rebuilt === undefined ? [] : [rebuilt])),
      target: { statistic: 'p95', atMost: 1_500, whenMissed: TOO_SLOW },
    },
    {
      key: 'rebuild.signallingBack',
      what: 'rebuild: signalling back',
      unit: 'ms',
      samples: observed.map(({ signalBack }) => signalBack),
    },
  ];
}

function floorOf(samples: readonly number[]): NonNullable<Metric['floor']> {
  return { what: `longest gap in ${WATCH_MS / 1_000} s of a raw mediasoup call that is left alone.`, samples };
}
