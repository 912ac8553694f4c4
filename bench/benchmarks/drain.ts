import { once } from 'node:events';
import type { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import { BenchError } from '../bench-error.ts';
import type { Benchmark } from '../benchmark.ts';
import { startBrowser } from '../calls/browser.ts';
import { createSession, firstAt, startCallCluster } from '../calls/call-cluster.ts';
import { Caller } from '../calls/caller.ts';
import { countMessages, type MessageCount } from '../calls/message-count.ts';
import { MOVE_METHOD, type MoveCost, moveCosts, moveMetrics } from '../calls/move-cost.ts';
import { now, untilTime } from '../clock.ts';
import { STAMPED_WIDTH } from '../page/own-media.ts';
import { buildSite } from '../page/site.ts';
import { longestGap, lostFrames } from '../report/frames.ts';
import type { Metric } from '../report/metric.ts';

const MASTERS = ['master-1', 'master-2'] as const;
const WARM_UP_MS = 2_000;
/** How long the pictures are measured before and after. A media node stays until every page shows the new media. */
const WATCH_MS = { owner: 3_000, 'media node': 7_000 } as const;
/** Interval between two messages of each participant. */
const TALK_MS = 20;

type Drained = keyof typeof WATCH_MS;

interface Observed extends MessageCount {
  readonly steadyGaps: number[];
  readonly gaps: number[];
  readonly steadyLost: number[];
  readonly lostFrames: number[];
  /** The moves of the media, if there are any. */
  readonly moves: readonly MoveCost[];
  readonly durationMs: number;
}

export const drain: Benchmark = {
  name: 'drain',
  title: 'a node of a call is asked to end',
  trials: 3,
  browsers: ['chromium', 'firefox'],

  async run(context) {
    const site = await buildSite(context.cleanup);
    const browser = await startBrowser(context);
    const running = await startCallCluster(site, context.cleanup);
    const callers = [
      await Caller.open(browser, running.url, 'Ann', 'stamped'),
      await Caller.open(browser, running.url, 'Bob', 'stamped'),
    ];
    const observed: Record<Drained, Observed[]> = { owner: [], 'media node': [] };
    for (const drained of ['owner', 'media node'] as const) {
      for (let trial = 0; trial < context.trials; trial += 1) {
        context.progress(`${drained}, trial ${trial + 1} of ${context.trials}`);
        observed[drained].push(await drainOnce(running, callers, drained, trial, context.progress));
      }
    }
    const all = [...observed.owner, ...observed['media node']];
    const failed = all.reduce((sum, { failed: one }) => sum + one, 0);
    if (failed > 0) throw new BenchError('MessagesLost', `${failed} messages failed during a drain.`);
    return {
      method: `Two pages are in a call through a cluster of two masters and two media nodes; the node gets SIGTERM. The pictures have 20 numbered frames per second; a frame that is not shown in the ${WATCH_MS.owner / 1_000} s (media node: ${WATCH_MS['media node'] / 1_000} s) after that is lost. ${MOVE_METHOD} Each page sends a message to everyone every ${TALK_MS} ms throughout; a message that has not arrived when all are answered is lost. One page's first socket is at the draining owner. The sessions have policy rebuild; a drain works the same under both policies.`,
      metrics: [...metricsOf('owner', observed.owner), ...metricsOf('media node', observed['media node'])],
    };
  },
};

async function drainOnce(
  running: RunningCluster,
  callers: readonly Caller[],
  drained: Drained,
  trial: number,
  progress: (text: string) => void,
): Promise<Observed> {
  const room = `${drained.replace(' ', '-')}-${trial}`;
  const owner = MASTERS[trial % 2] ?? 'master-1';
  const other = MASTERS[(trial + 1) % 2] ?? 'master-2';
  await createSession(running, room, 'rebuild', owner);
  for (const [at, caller] of callers.entries()) await caller.join({ room, urls: firstAt(running, at ? other : owner) });
  await Promise.all(callers.map((caller) => caller.picture.sees(10)));
  await untilTime(now() + WARM_UP_MS);
  for (const caller of callers) await caller.talk(TALK_MS);
  const watchMs = WATCH_MS[drained];
  await untilTime(now() + watchMs);

  const node = drained === 'owner' ? owner : await running.mediaNodeOf(room);
  const ended = exitOf(running, node);
  const askedAt = now();
  const pid = running.cluster.kill(node, 'SIGTERM');
  const endedAt = await ended;
  const pictures = callers.map(({ picture }) => picture);
  const moves = drained === 'media node' ? await moveCosts(pictures, askedAt, STAMPED_WIDTH) : [];
  const watchedUntil = askedAt + watchMs;
  await untilTime(watchedUntil);
  await Promise.all(callers.map((caller) => caller.hush()));
  const messages = await countMessages(callers);
  const frames = await Promise.all(callers.map(({ picture }) => picture.frames()));
  await Promise.all(callers.map((caller) => caller.leave()));
  await running.restarted(node, pid);
  if (endedAt > watchedUntil) {
    throw new BenchError(
      'DrainLate',
      `${node} took ${Math.round(endedAt - askedAt)} ms to end, longer than the measurement.`,
    );
  }
  const lost = frames.map((shown) => lostFrames(shown, askedAt, watchedUntil));
  for (const [at, each] of lost.entries()) {
    for (const { stamp, by } of each)
      progress(`${callers[at]?.name} lost frame ${stamp}, by ${Math.round(by - askedAt)} ms`);
  }
  return {
    ...messages,
    steadyGaps: frames.map((shown) => longestGap(shown, askedAt - watchMs, askedAt)),
    gaps: frames.map((shown) => longestGap(shown, askedAt, watchedUntil)),
    steadyLost: frames.map((shown) => lostFrames(shown, askedAt - watchMs, askedAt).length),
    lostFrames: lost.map(({ length }) => length),
    moves,
    durationMs: endedAt - askedAt,
  };
}

/** Resolves when the node's process ends; Unix time, ms. */
async function exitOf({ cluster }: RunningCluster, node: string): Promise<number> {
  for (;;) {
    const [{ id }] = (await once(cluster, 'exited')) as [{ id: string }];
    if (id === node) return now();
  }
}

function metricsOf(drained: Drained, observed: readonly Observed[]): Metric[] {
  const key = drained === 'owner' ? 'owner' : 'mediaNode';
  const steadyGaps = observed.flatMap((one) => one.steadyGaps);
  const steady = `${drained}: the same call in the ${WATCH_MS[drained] / 1_000} s before, without a drain.`;
  const none = (whenMissed: string) => ({ statistic: 'max', atMost: 0, whenMissed }) as const;
  return [
    {
      key: `${key}.framesLost`,
      what: `${drained}: frames lost`,
      unit: 'frames',
      samples: observed.flatMap((one) => one.lostFrames),
      floor: {
        what: steady,
        samples: observed.flatMap(({ steadyLost }) => steadyLost),
      },
      target: none('The floor is the loss of the same call without a drain.'),
    },
    {
      key: `${key}.longestGap`,
      what: `${drained}: longest gap`,
      unit: 'ms',
      samples: observed.flatMap(({ gaps }) => gaps),
      floor: { what: steady, samples: steadyGaps },
    },
    ...(drained === 'media node'
      ? moveMetrics({ key, what: drained, costs: observed.flatMap(({ moves }) => moves) })
      : []),
    {
      key: `${key}.messagesSent`,
      what: `${drained}: messages sent, each to two`,
      unit: 'messages',
      samples: observed.map(({ sent }) => sent),
    },
    {
      key: `${key}.messagesLost`,
      what: `${drained}: messages lost`,
      unit: 'messages',
      samples: observed.map(({ lost }) => lost),
      target: { ...none('A message did not arrive although its sender got a confirmation.'), loss: true },
    },
    {
      key: `${key}.messagesTwice`,
      what: `${drained}: messages that arrived twice`,
      unit: 'messages',
      samples: observed.map(({ twice }) => twice),
      target: { ...none('A repeated message was not recognised by its id.'), loss: true },
    },
    {
      key: `${key}.duration`,
      what: `${drained}: from the signal to its end`,
      unit: 'ms',
      samples: observed.map(({ durationMs }) => durationMs),
    },
  ];
}
