import type { Browser } from 'puppeteer-core';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import type { BrowserKind } from '../../test/fixtures/browsers/browser-kind.ts';
import type { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import type { Benchmark, Context } from '../benchmark.ts';
import { BROWSER_NAMES, startBrowser } from '../calls/browser.ts';
import { createSession, startCallCluster } from '../calls/call-cluster.ts';
import { Caller } from '../calls/caller.ts';
import { MOVE_METHOD, type MoveCost, moveCosts, moveMetrics } from '../calls/move-cost.ts';
import type { RemotePicture } from '../calls/remote-picture.ts';
import { now, untilTime } from '../clock.ts';
import { RawCaller } from '../floor/raw-call.ts';
import { RawServer } from '../floor/raw-server.ts';
import { CAMERA_WIDTH } from '../page/own-media.ts';
import { buildSite } from '../page/site.ts';
import type { Metric } from '../report/metric.ts';
import { quantile } from '../report/statistics.ts';

/** Time after joining until bandwidth estimation has settled, and time between two crashes. */
const SETTLE_MS = 3_000;
const BETWEEN_MS = 1_500;
const FLOOR = 'the worker of a raw mediasoup call is killed; another worker, new transports, produce and consume.';
const POLICIES: readonly FailoverPolicy[] = ['takeover', 'rebuild'];

export const mediaCrash: Benchmark = {
  name: 'media-crash',
  title: 'the media node of a call is killed',
  trials: 24,
  browsers: ['chromium', 'firefox'],

  async run(context) {
    const site = await buildSite(context.cleanup);
    const metrics: Metric[] = [];
    for (const kind of context.browsers) {
      const part = context.cleanup.part();
      metrics.push(...(await crashesIn(kind, { ...context, cleanup: part }, site)));
      await part.run();
    }
    return {
      method: `Two pages are in a video call with cameras ${CAMERA_WIDTH} px wide, through a cluster of two masters and two media nodes; the media node that carries it gets SIGKILL repeatedly. It restarts 3 s later, because an earlier start would take a core from the call on this machine. ${MOVE_METHOD}`,
      metrics,
    };
  },
};

async function crashesIn(kind: BrowserKind, context: Context, site: string): Promise<Metric[]> {
  const name = BROWSER_NAMES[kind];
  const browser = await startBrowser(context, kind);
  const floor = await rawCrashes(
    { ...context, progress: (text) => context.progress(`${name}, floor, ${text}`) },
    site,
    browser,
  );
  const running = await startCallCluster(site, context.cleanup);
  const metrics: Metric[] = [];
  for (const policy of POLICIES) {
    const progress = (text: string): void => context.progress(`${name}, ${policy}, ${text}`);
    const costs = await crashes({ ...context, progress }, running, browser, policy);
    metrics.push(
      ...moveMetrics({
        key: `${kind}.${policy}`,
        what: `${name}, ${policy}`,
        costs,
        floor: { what: FLOOR, costs: floor },
        target: {
          statistic: 'p95',
          atMost: 500,
          whenMissed:
            "The floor's server sees its worker die and sends all parameters in one message. Here a master must confirm the death of another process, choose a node and notify the clients, which request each transport through the balancer.",
        },
      }),
    );
  }
  return metrics;
}

async function crashes(
  context: Context,
  running: RunningCluster,
  browser: Browser,
  policy: FailoverPolicy,
): Promise<MoveCost[]> {
  await createSession(running, policy, policy, 'master-1');
  const callers = [await Caller.open(browser, running.url, 'Ann'), await Caller.open(browser, running.url, 'Bob')];
  for (const caller of callers) await caller.join({ room: policy });
  const costs = await repeated(
    context,
    callers.map(({ picture }) => picture),
    async () => {
      const mediaNode = await running.mediaNodeOf(policy);
      const pid = running.cluster.kill(mediaNode);
      return () => running.restarted(mediaNode, pid);
    },
  );
  for (const caller of callers) await caller.close();
  return costs;
}

async function rawCrashes(context: Context, site: string, browser: Browser): Promise<MoveCost[]> {
  const server = await RawServer.start(site, context.cleanup);
  const callers = [await RawCaller.open(browser, server.url), await RawCaller.open(browser, server.url)];
  for (const caller of callers) await caller.join();
  const pictures = callers.map(({ picture }) => picture);
  const costs = await repeated(context, pictures, async () => {
    server.killWorker();
    return async () => {};
  });
  for (const caller of callers) await caller.close();
  return costs;
}

/** The cost of each crash for each picture. `crash` returns a function that waits until another crash is possible. */
async function repeated(
  { trials, progress }: Context,
  pictures: readonly RemotePicture[],
  crash: () => Promise<() => Promise<void>>,
): Promise<MoveCost[]> {
  await Promise.all(pictures.map((picture) => picture.sees(10)));
  await untilTime(now() + SETTLE_MS);
  const costs: MoveCost[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    const crashedAt = now();
    const restored = await crash();
    const each = await moveCosts(pictures, crashedAt, CAMERA_WIDTH);
    costs.push(...each);
    const said = each.map(({ gap, back }) => `gap ${gap} ms, back after ${Math.round(back)} ms`).join('; ');
    progress(`crash ${trial + 1} of ${trials}: ${said}`);
    await restored();
    await untilTime(now() + BETWEEN_MS);
  }
  const median = quantile(
    costs.map(({ gap }) => gap),
    0.5,
  );
  progress(
    `gap p50 ${median} ms, p95 ${quantile(
      costs.map(({ gap }) => gap),
      0.95,
    )} ms`,
  );
  return costs;
}
