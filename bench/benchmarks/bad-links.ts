import type { HostCluster } from '../../test/fixtures/hosts/host-cluster.ts';
import type { HostNetwork } from '../../test/fixtures/hosts/host-network.ts';
import { CLIENT } from '../../test/fixtures/hosts/host-plan.ts';
import type { Pair } from '../../test/fixtures/hosts/pair.ts';
import type { Benchmark } from '../benchmark.ts';
import { startHosts } from '../calls/host-pair.ts';
import { now, untilTime } from '../clock.ts';
import { CAMERA_WIDTH } from '../page/own-media.ts';
import { longestGap, rateOf, widthOf } from '../report/frames.ts';
import type { Metric, Target } from '../report/metric.ts';

const OWNER = 'master-2';
const EDGES = ['master-1', OWNER] as const;
/** Time after joining until the picture has its final size. */
const WARM_UP_MS = 6_000;
/** Duration of the bad link, and the final part in which the picture is stable. */
const BAD_MS = 20_000;
const SETTLED_MS = 5_000;
/** Time over which the rate before the bad link is measured. */
const WELL_MS = 3_000;
/** Upper limit for the time until the picture is back. */
const BACK_MS = 20_000;

export const LINK_NAMES = ['loss-15', 'loss-30', 'cap'] as const;
export type LinkName = (typeof LINK_NAMES)[number];

interface Link {
  readonly what: string;
  /** The longest allowed gap, ms. */
  readonly gap: number;
  readonly spoil: (network: HostNetwork, mediaNode: string) => Promise<void>;
}

const LINKS: Readonly<Record<LinkName, Link>> = {
  'loss-15': {
    what: '15 % of UDP lost',
    gap: 400,
    spoil: (network, mediaNode) => network.lossy(CLIENT, mediaNode, 15, 'udp'),
  },
  'loss-30': {
    what: '30 % of UDP lost',
    gap: 2_000,
    spoil: (network, mediaNode) => network.lossy(CLIENT, mediaNode, 30, 'udp'),
  },
  cap: {
    what: 'UDP above 40 KB/s lost',
    gap: 3_800,
    spoil: (network, mediaNode) => network.narrow(CLIENT, mediaNode, 40, 'udp'),
  },
};
/** Frames per second of a picture that has adapted to a bad link. */
const RATE = 19;

/** The measurements of one receiver in one trial. */
interface Observed {
  readonly rateBefore: number;
  readonly widthBefore: number;
  readonly gap: number;
  readonly rate: number;
  readonly width: number;
  readonly back: number;
}

export const badLinks: Benchmark = {
  name: 'bad-links',
  title: "a media node's link loses packets",
  trials: 3,
  browsers: ['chromium'],

  async run(context) {
    const { hosts, pair } = await startHosts(context, 'camera');
    const metrics: Metric[] = [];
    for (const name of context.link ? [context.link] : LINK_NAMES) {
      const observed: Observed[] = [];
      for (let trial = 0; trial < context.trials; trial += 1) {
        const each = await spoil(hosts, pair, name, `${name}-${trial}`);
        observed.push(...each);
        context.progress(`${name}, trial ${trial + 1} of ${context.trials}: ${each.map(inWords).join('; ')}`);
      }
      metrics.push(...metricsOf(name, observed));
    }
    return {
      method: `Three masters, two media nodes, HAProxy and the clients run on separate hosts: network namespaces on one switch. Two pages are in a video call, each with a camera ${CAMERA_WIDTH} px wide. The link between the media node's host and the clients loses UDP packets for ${BAD_MS / 1_000} s, each way: at random, or all above a rate that the call's pictures and sounds share. Rate and width come from the last ${SETTLED_MS / 1_000} s of that. The time until the picture is back starts when the link recovers. It ends with the first frame of a second that has nine tenths of the former frame rate at ${CAMERA_WIDTH} px; its upper limit is ${BACK_MS / 1_000} s.`,
      metrics,
    };
  },
};

async function spoil(hosts: HostCluster, pair: Pair, name: LinkName, room: string): Promise<Observed[]> {
  await hosts.rested();
  await pair.meet({ room, failover: 'takeover', owner: OWNER, edges: EDGES });
  await untilTime(now() + WARM_UP_MS);
  const spoiledAt = now();
  await LINKS[name].spoil(hosts.network, await pair.mediaNode());
  await untilTime(spoiledAt + BAD_MS);
  const healedAt = now();
  await hosts.network.heal();
  const observed = await Promise.all(
    pair.callers.map(async ({ picture }) => {
      const frames = await picture.frames();
      const rateBefore = rateOf(frames, spoiledAt - WELL_MS, spoiledAt);
      return {
        rateBefore,
        widthBefore: widthOf(frames, spoiledAt - WELL_MS, spoiledAt),
        gap: longestGap(frames, spoiledAt, healedAt),
        rate: rateOf(frames, healedAt - SETTLED_MS, healedAt),
        width: widthOf(frames, healedAt - SETTLED_MS, healedAt),
        back: await picture.isFull(healedAt, { width: CAMERA_WIDTH, rate: rateBefore }, BACK_MS),
      };
    }),
  );
  await pair.leave();
  return observed;
}

function inWords({ rateBefore, widthBefore, gap, rate, width, back }: Observed): string {
  const at = (perSecond: number, px: number): string => `${perSecond.toFixed(1)} frames/s of ${px} px`;
  return `${at(rateBefore, widthBefore)} before, a gap of ${gap} ms, then ${at(rate, width)}, back after ${Math.round(back)} ms`;
}

function metricsOf(name: LinkName, observed: readonly Observed[]): Metric[] {
  const { what, gap } = LINKS[name];
  const metric = (key: keyof Observed, words: string, unit: Metric['unit'], target?: Target): Metric => ({
    key: `${name}.${key}`,
    what: `${what}: ${words}`,
    unit,
    samples: observed.map((one) => one[key]),
    ...(target ? { target } : {}),
  });
  return [
    metric('widthBefore', 'width before', 'px', {
      statistic: 'min',
      atLeast: CAMERA_WIDTH,
      whenMissed: 'The picture is smaller than the camera although its link is good.',
    }),
    metric('rateBefore', 'frame rate before', 'frames/s'),
    metric('gap', 'longest gap', 'ms', {
      statistic: 'max',
      atMost: gap,
      whenMissed: 'Frames with lost packets wait for a retransmission, or for a key frame, which may be lost as well.',
    }),
    metric('rate', 'frame rate in the end', 'frames/s', {
      statistic: 'min',
      atLeast: RATE,
      whenMissed: 'The sender sends more than the link carries, or too few packets arrive to draw frames.',
    }),
    metric('width', 'width in the end', 'px'),
    metric('back', `${CAMERA_WIDTH} px and the former rate, after the link recovers`, 'ms'),
  ];
}
