import type { Browser } from 'playwright';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import type { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import type { Benchmark, Context } from '../benchmark.ts';
import { startBrowser } from '../calls/browser.ts';
import { createSession, startCallCluster } from '../calls/call-cluster.ts';
import { Caller } from '../calls/caller.ts';
import { now, untilTime } from '../clock.ts';
import { RawCaller } from '../floor/raw-call.ts';
import { RawServer } from '../floor/raw-server.ts';
import { buildSite } from '../page/site.ts';
import { movesAgainAt } from '../report/frames.ts';
import { type Metric, readable } from '../report/metric.ts';
import { quantile } from '../report/statistics.ts';

const WARM_UP_MS = 1_500;
/** After the new media plays, until the pictures are no longer watched. */
const SETTLE_MS = 500;
const FLOOR = 'the worker of a raw mediasoup call is killed; another worker, new transports, produce and consume.';

export const mediaCrash: Benchmark = {
  name: 'media-crash',
  title: 'the media node of a call is killed',
  trials: 8,

  async run(context) {
    const site = await buildSite(context.cleanup);
    const browser = await startBrowser(context);
    context.progress('floor');
    const floor = await rawCrashes(context, site, browser);
    const running = await startCallCluster(site, context.cleanup);
    const callers = [await Caller.open(browser, running.url, 'Ann'), await Caller.open(browser, running.url, 'Bob')];
    const back: Record<FailoverPolicy, number[]> = { takeover: [], rebuild: [] };
    for (const policy of ['takeover', 'rebuild'] as const) {
      for (let trial = 0; trial < context.trials; trial += 1) {
        context.progress(`${policy}, trial ${trial + 1} of ${context.trials}`);
        back[policy].push(...(await crash(running, callers, policy, `${policy}-${trial}`)));
      }
    }
    return {
      method:
        'Two pages in a video call through a cluster of two masters and two media nodes; the media node that carries it gets SIGKILL. Video is back with the frame that ends the longest standstill, counted from the kill, for each of the two receivers.',
      metrics: metricsOf(back, floor),
    };
  },
};

async function crash(
  running: RunningCluster,
  callers: readonly Caller[],
  policy: FailoverPolicy,
  room: string,
): Promise<number[]> {
  await createSession(running, room, policy, 'master-1');
  for (const caller of callers) await caller.join({ room });
  await Promise.all(callers.map((caller) => caller.sees()));
  const tracks = await Promise.all(callers.map((caller) => caller.remoteTrack()));
  const mediaNode = await running.mediaNodeOf(room);
  await untilTime(now() + WARM_UP_MS);
  const killedAt = now();
  const pid = running.cluster.kill(mediaNode);
  await Promise.all(callers.map((caller, at) => caller.showsAnother(tracks[at])));
  const watchedUntil = now() + SETTLE_MS;
  await untilTime(watchedUntil);
  const frames = await Promise.all(callers.map((caller) => caller.frames()));
  await Promise.all(callers.map((caller) => caller.leave()));
  await running.restarted(mediaNode, pid);
  return frames.map((shown) => movesAgainAt(shown, killedAt, watchedUntil) - killedAt);
}

async function rawCrashes({ cleanup, trials }: Context, site: string, browser: Browser): Promise<number[]> {
  const server = await RawServer.start(site, cleanup);
  const callers = [await RawCaller.open(browser, server.url), await RawCaller.open(browser, server.url)];
  for (const caller of callers) await caller.join();
  await Promise.all(callers.map((caller) => caller.sees()));
  const back: number[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    await untilTime(now() + WARM_UP_MS);
    const killedAt = now();
    server.killWorker();
    await Promise.all(callers.map((caller) => caller.seesAfter(killedAt + SETTLE_MS)));
    const watchedUntil = now();
    for (const caller of callers) back.push(movesAgainAt(await caller.frames(), killedAt, watchedUntil) - killedAt);
  }
  await Promise.all(callers.map((caller) => caller.close()));
  return back;
}

function metricsOf(back: Record<FailoverPolicy, readonly number[]>, floor: readonly number[]): Metric[] {
  const floorP95 = quantile(floor, 0.95);
  return [
    {
      key: 'takeover.videoBack',
      what: 'takeover: video back',
      unit: 'ms',
      samples: back.takeover,
      floor: { what: FLOOR, samples: floor },
      target: {
        statistic: 'p95',
        atMost: 2 * floorP95,
        meaning: `2 × the floor's p95 of ${readable(floorP95)}`,
        whenMissed:
          "The floor's server sees its worker die and has its parameters in one message. Here a master has to confirm the death of another process, choose a node and tell its clients, who ask for each transport over the balancer. In both, a browser that was asked for a key frame within the last 300 ms ignores the next request, which mediasoup repeats after a second: a matter of chance that few trials do not average out.",
      },
    },
    {
      key: 'rebuild.videoBack',
      what: 'rebuild: video back',
      unit: 'ms',
      samples: back.rebuild,
      floor: { what: FLOOR, samples: floor },
    },
  ];
}
