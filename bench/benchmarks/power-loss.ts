import type { FailoverPolicy } from '../../src/server/store/store.ts';
import type { HostCluster } from '../../test/fixtures/hosts/host-cluster.ts';
import type { Pair } from '../../test/fixtures/hosts/pair.ts';
import type { Benchmark } from '../benchmark.ts';
import { startHosts } from '../calls/host-pair.ts';
import { MOVE_METHOD, type MoveCost, moveCosts, moveMetrics } from '../calls/move-cost.ts';
import { now, untilTime } from '../clock.ts';
import { STAMPED_WIDTH } from '../page/own-media.ts';
import type { Metric, Target } from '../report/metric.ts';

const OWNER = 'master-2';
const EDGES = ['master-1', OWNER] as const;
/** Time after joining until bandwidth estimation has settled. */
const WARM_UP_MS = 1_500;
const FLOOR =
  "the node's process is killed on a living host, whose kernel resets its connections and refuses new ones.";

const SLOW_VERDICT =
  'A verdict takes 3 s of silence after the last beat, which may be a second old when the power fails.';
const SLOW_RETURN = 'After the verdict, the recovery shares two cores with a browser that draws two pictures.';

/** A node ends with its host, or alone. */
type Ending = 'powerOff' | 'kill';

interface OwnerLost {
  readonly verdict: number;
  /** Of the later client. One client had its socket at the owner. */
  readonly signallingBack: number;
}

interface MediaLost {
  readonly verdict: number;
  readonly moves: readonly MoveCost[];
}

export const powerLoss: Benchmark = {
  name: 'power-loss',
  title: 'a host loses power, and nothing is reset',
  trials: 5,
  browsers: ['chromium'],

  async run(context) {
    const { hosts, pair } = await startHosts(context);
    const metrics: Metric[] = [];
    for (const policy of ['takeover', 'rebuild'] as const) {
      const owner: Record<Ending, OwnerLost[]> = { kill: [], powerOff: [] };
      const media: Record<Ending, MediaLost[]> = { kill: [], powerOff: [] };
      for (let trial = 0; trial < context.trials; trial += 1) {
        for (const ending of ['kill', 'powerOff'] as const) {
          context.progress(`${policy}, ${ending}, trial ${trial + 1} of ${context.trials}`);
          owner[ending].push(await loseOwner(hosts, pair, policy, ending, `owner-${policy}-${ending}-${trial}`));
          media[ending].push(await loseMediaNode(hosts, pair, policy, ending, `media-${policy}-${ending}-${trial}`));
        }
      }
      metrics.push(...ownerMetrics(policy, owner), ...mediaMetrics(policy, media));
    }
    return {
      method: `Three masters, two media nodes, HAProxy and the clients run on separate hosts: network namespaces on one switch. The link of a host goes down, then its processes are killed: the others receive nothing, not even an unreachable address. Two pages are in a video call, with their sockets through HAProxy at the owner and at another master. All settings are defaults. The verdict is the first in a living master's log; signalling is back when each client's signal to itself has arrived. ${MOVE_METHOD}`,
      metrics,
    };
  },
};

async function loseOwner(
  hosts: HostCluster,
  pair: Pair,
  failover: FailoverPolicy,
  ending: Ending,
  room: string,
): Promise<OwnerLost> {
  await hosts.rested();
  await pair.meet({ room, failover, owner: OWNER, edges: EDGES });
  await untilTime(now() + WARM_UP_MS);
  const lostAt = now();
  await lose(hosts, OWNER, ending);
  const [back, verdictAt] = await Promise.all([pair.signalBack(lostAt), hosts.verdictOn(OWNER, lostAt)]);
  await pair.leave();
  await restore(hosts, OWNER, ending);
  return { verdict: verdictAt - lostAt, signallingBack: back };
}

async function loseMediaNode(
  hosts: HostCluster,
  pair: Pair,
  failover: FailoverPolicy,
  ending: Ending,
  room: string,
): Promise<MediaLost> {
  await hosts.rested();
  await pair.meet({ room, failover, owner: OWNER, edges: EDGES });
  await untilTime(now() + WARM_UP_MS);
  const node = await pair.mediaNode();
  const pictures = pair.callers.map(({ picture }) => picture);
  const lostAt = now();
  await lose(hosts, node, ending);
  const [moves, verdictAt] = await Promise.all([
    moveCosts(pictures, lostAt, STAMPED_WIDTH),
    hosts.verdictOn(node, lostAt),
  ]);
  await pair.leave();
  await restore(hosts, node, ending);
  return { verdict: verdictAt - lostAt, moves };
}

async function lose(hosts: HostCluster, node: string, ending: Ending): Promise<void> {
  if (ending === 'powerOff') await hosts.powerOff(node);
  else await hosts.process(node).kill();
}

async function restore(hosts: HostCluster, node: string, ending: Ending): Promise<void> {
  if (ending === 'powerOff') await hosts.powerOn(node);
  else await hosts.process(node).start();
}

function ownerMetrics(policy: FailoverPolicy, lost: Record<Ending, readonly OwnerLost[]>): Metric[] {
  return [
    metric(
      `${policy}.owner.verdict`,
      `${policy}: the owner's host, verdict`,
      lost,
      ({ verdict }) => verdict,
      3_000,
      SLOW_VERDICT,
    ),
    metric(
      `${policy}.owner.signallingBack`,
      `${policy}: the owner's host, signalling back`,
      lost,
      ({ signallingBack }) => signallingBack,
      4_000,
      SLOW_RETURN,
    ),
  ];
}

function mediaMetrics(policy: FailoverPolicy, lost: Record<Ending, readonly MediaLost[]>): Metric[] {
  return [
    metric(
      `${policy}.media.verdict`,
      `${policy}: the media node's host, verdict`,
      lost,
      ({ verdict }) => verdict,
      3_000,
      SLOW_VERDICT,
    ),
    ...moveMetrics({
      key: `${policy}.media`,
      what: `${policy}: the media node's host`,
      costs: lost.powerOff.flatMap(({ moves }) => moves),
      floor: { what: FLOOR, costs: lost.kill.flatMap(({ moves }) => moves) },
      target: { statistic: 'p95', atMost: 4_000, whenMissed: SLOW_RETURN },
    }),
  ];
}

function metric<T>(
  key: string,
  what: string,
  lost: Record<Ending, readonly T[]>,
  read: (one: T) => number,
  atMost: number,
  whenMissed: string,
): Metric {
  const target: Target = { statistic: 'p95', atMost, whenMissed };
  return {
    key,
    what,
    unit: 'ms',
    samples: lost.powerOff.map(read),
    floor: { what: FLOOR, samples: lost.kill.map(read) },
    target,
  };
}
