import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'puppeteer-core';
import { BenchError } from '../bench-error.ts';
import type { Benchmark, Context } from '../benchmark.ts';
import { startBrowser } from '../calls/browser.ts';
import { startCallCluster } from '../calls/call-cluster.ts';
import { Caller } from '../calls/caller.ts';
import { RawCaller } from '../floor/raw-call.ts';
import { RawServer } from '../floor/raw-server.ts';
import { buildSite, SDK_FILE } from '../page/site.ts';
import { type ShownFrame, sentFrames } from '../report/frames.ts';
import type { Metric } from '../report/metric.ts';

const ROOM = 'join';
const FLOOR = 'a raw mediasoup call: socket, transports, produce and consume, until the first frame.';
const SDK_KB = 60;

/** Time until the new participant sees the other, and until the other sees it, ms. */
interface Joined {
  readonly sees: number[];
  readonly isSeen: number[];
}

export const join: Benchmark = {
  name: 'join',
  title: 'from connect() to the first frame',
  trials: 10,
  browsers: ['chromium', 'firefox'],

  async run(context) {
    const site = await buildSite(context.cleanup);
    const browser = await startBrowser(context);
    context.progress('floor');
    const floor = await rawJoins(context, site, browser);
    const running = await startCallCluster(site, context.cleanup);
    const [there, comes] = [
      await Caller.open(browser, running.url, 'Ann'),
      await Caller.open(browser, running.url, 'Bob'),
    ];
    await there.join({ room: ROOM });
    const withToken: Joined = { sees: [], isSeen: [] };
    const withFunction: Joined = { sees: [], isSeen: [] };
    for (let trial = 0; trial < context.trials; trial += 1) {
      context.progress(`trial ${trial + 1} of ${context.trials}`);
      await joinOnce(there, comes, withToken, await running.token(ROOM));
      await joinOnce(there, comes, withFunction);
    }
    await there.leave();
    return {
      method:
        'One participant is in a call; another joins, publishes and subscribes, with an open camera. The time starts at the call of connect(), with a prepared token, or with a function that gets one from an application server, which calls the cluster twice over REST.',
      metrics: metricsOf(withToken, withFunction, floor),
    };
  },
};

async function joinOnce(there: Caller, comes: Caller, joined: Joined, token?: string): Promise<void> {
  const began = await comes.join({ room: ROOM, ...(token === undefined ? {} : { token }) });
  await comes.picture.sees(1);
  await there.picture.seesAfter(began);
  joined.sees.push(firstAfter(await comes.picture.frames(), began) - began);
  joined.isSeen.push(firstAfter(await there.picture.frames(), began) - began);
  await comes.leave();
  await there.seesNobody();
}

async function rawJoins({ cleanup, trials }: Context, site: string, browser: Browser): Promise<Joined> {
  const server = await RawServer.start(site, cleanup);
  const joined: Joined = { sees: [], isSeen: [] };
  for (let trial = 0; trial < trials; trial += 1) {
    const [there, comes] = [await RawCaller.open(browser, server.url), await RawCaller.open(browser, server.url)];
    await there.join();
    await server.publishing(1);
    const began = await comes.join();
    await comes.picture.sees(1);
    await there.picture.sees(1);
    joined.sees.push(firstAfter(await comes.picture.frames(), began) - began);
    joined.isSeen.push(firstAfter(await there.picture.frames(), began) - began);
    await Promise.all([there.close(), comes.close()]);
  }
  return joined;
}

function firstAfter(frames: readonly ShownFrame[], at: number): number {
  const first = sentFrames(frames).find((frame) => frame.at >= at);
  if (!first) throw new BenchError('CallLost', 'A participant joined, but no frame was shown.');
  return first.at;
}

function metricsOf(withToken: Joined, withFunction: Joined, floor: Joined): Metric[] {
  const rows = [
    ['token.sees', 'with a token: sees the other', withToken.sees, floor.sees],
    ['token.isSeen', 'with a token: is seen', withToken.isSeen, floor.isSeen],
    ['function.sees', 'with a function: sees the other', withFunction.sees, floor.sees],
    ['function.isSeen', 'with a function: is seen', withFunction.isSeen, floor.isSeen],
  ] as const;
  return [
    ...rows.map(([key, what, samples, raw]) => ({
      key,
      what,
      unit: 'ms' as const,
      samples,
      floor: { what: FLOOR, samples: raw },
    })),
    {
      key: 'sdk.size',
      what: 'size of the SDK that the page loads first, min + gzip',
      unit: 'KB',
      samples: [gzipSync(readFileSync(SDK_FILE), { level: 9 }).length / 1024],
      target: { statistic: 'max', atMost: SDK_KB, whenMissed: 'The bundle contains something large.' },
    },
  ];
}
