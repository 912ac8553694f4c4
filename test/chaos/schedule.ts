import type { StalledWay } from '../fixtures/faults/fault-net.ts';
import { pick } from '../fixtures/random.ts';

/** A fault of a process, or of the link between two. Times in ms. */
export type Fault =
  /** SIGKILL, or SIGTERM: an orderly end. The node restarts. */
  | { readonly kind: 'kill' | 'drain'; readonly node: string }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly kind: 'freeze'; readonly node: string; readonly forMs: number }
  /** Only the mediasoup worker of a media node. */
  | { readonly kind: 'killWorker'; readonly node: string }
  | { readonly kind: 'freezeWorker'; readonly node: string; readonly forMs: number }
  /** Connections break and cannot be made. */
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly forMs: number }
  /** Connections stay but pass nothing, one way or both. */
  | {
      readonly kind: 'stall';
      readonly from: string;
      readonly to: string;
      readonly way: StalledWay;
      readonly forMs: number;
    }
  /** Everything takes longer, and some of it much longer, like retransmissions. */
  | { readonly kind: 'slow'; readonly from: string; readonly to: string; readonly forMs: number }
  /** The kernel drops a share of the packets: of TCP, which sends them again, or of a node's media. */
  | { readonly kind: 'lossy'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly kind: 'lossyMedia'; readonly node: string; readonly forMs: number }
  /** Each connection breaks after this number of further frames, at a moment that neither side chooses. */
  | { readonly kind: 'drop'; readonly from: string; readonly to: string; readonly frames: number }
  /** Every master is killed at the same moment. */
  | { readonly kind: 'killMasters'; readonly nodes: readonly string[] };

/** Simultaneous faults, `pauseMs` after the preceding ones. */
export interface Step {
  readonly pauseMs: number;
  readonly faults: readonly Fault[];
}

export interface Parts {
  readonly masters: readonly string[];
  readonly mediaNodes: readonly string[];
  readonly balancer: string;
  /** Whether the kernel can drop packets. */
  readonly losesPackets: boolean;
}

const PAUSE_MS = { min: 300, max: 5_500 };
const FREEZE_MS = { min: 500, max: 6_000 };
const DROP_FRAMES = { min: 1, max: 60 };
const LINK_MS = { min: 500, max: 7_000 };
/** Share of steps with two faults at once. */
const PAIRS = 0.2;

type Draw = (random: () => number, parts: Parts) => Fault;

/** The faults with their relative frequencies. */
const DRAWS: readonly (readonly [weight: number, draw: Draw])[] = [
  [10, (random, { masters }) => ({ kind: 'kill', node: pick(random, masters) })],
  [6, (random, { mediaNodes }) => ({ kind: 'kill', node: pick(random, mediaNodes) })],
  [3, (_random, { balancer }) => ({ kind: 'kill', node: balancer })],
  [8, (random, { masters }) => ({ kind: 'freeze', node: pick(random, masters), forMs: between(random, FREEZE_MS) })],
  [
    5,
    (random, { mediaNodes }) => ({ kind: 'freeze', node: pick(random, mediaNodes), forMs: between(random, FREEZE_MS) }),
  ],
  [2, (random, { balancer }) => ({ kind: 'freeze', node: balancer, forMs: between(random, FREEZE_MS) })],
  [6, (random, { masters }) => ({ kind: 'drain', node: pick(random, masters) })],
  [4, (random, { mediaNodes }) => ({ kind: 'drain', node: pick(random, mediaNodes) })],
  [1, (_random, { balancer }) => ({ kind: 'drain', node: balancer })],
  [4, (random, { mediaNodes }) => ({ kind: 'killWorker', node: pick(random, mediaNodes) })],
  [
    2,
    (random, { mediaNodes }) => ({
      kind: 'freezeWorker',
      node: pick(random, mediaNodes),
      forMs: between(random, FREEZE_MS),
    }),
  ],
  [1, (_random, { masters }) => ({ kind: 'killMasters', nodes: masters })],
  [8, (random, parts) => ({ kind: 'cut', ...link(random, parts), forMs: between(random, LINK_MS) })],
  [
    8,
    (random, parts) => {
      const way = pick<StalledWay>(random, ['there', 'back', 'both']);
      return { kind: 'stall', ...link(random, parts), way, forMs: between(random, LINK_MS) };
    },
  ],
  [5, (random, parts) => ({ kind: 'drop', ...link(random, parts), frames: between(random, DROP_FRAMES) })],
  [5, (random, parts) => ({ kind: 'slow', ...link(random, parts), forMs: between(random, LINK_MS) })],
];

const PACKET_DRAWS: readonly (readonly [weight: number, draw: Draw])[] = [
  [8, (random, parts) => ({ kind: 'lossy', ...link(random, parts), forMs: between(random, LINK_MS) })],
  [
    4,
    (random, { mediaNodes }) => ({
      kind: 'lossyMedia',
      node: pick(random, mediaNodes),
      forMs: between(random, LINK_MS),
    }),
  ],
];

/** Endless: the same random numbers yield the same steps. */
export function* schedule(random: () => number, parts: Parts): Generator<Step, never> {
  for (;;) {
    const pauseMs = between(random, PAUSE_MS);
    const first = drawn(random, parts);
    const faults = random() < PAIRS ? [first, drawn(random, parts)] : [first];
    // Two faults of the same process would cancel each other, and a kill of all masters leaves no room for a second
    // fault.
    const alone = faults.some((fault, at) => fault.kind === 'killMasters' || (at > 0 && overlap(fault, first)));
    yield { pauseMs, faults: alone ? [first] : faults };
  }
}

/** The processes that a fault stops or ends. */
export function victims(fault: Fault): readonly string[] {
  if ('nodes' in fault) return fault.nodes;
  if (fault.kind === 'lossyMedia') return [];
  return 'node' in fault ? [fault.node] : [];
}

export function describe(fault: Fault): string {
  const parts: string[] = [fault.kind];
  if ('node' in fault) parts.push(fault.node);
  if ('nodes' in fault) parts.push(...fault.nodes);
  if ('from' in fault) parts.push(`${fault.from} → ${fault.to}`);
  if ('way' in fault) parts.push(fault.way);
  if ('frames' in fault) parts.push(`after ${fault.frames} frames`);
  if ('forMs' in fault) parts.push(`${fault.forMs} ms`);
  return parts.join(' ');
}

function overlap(one: Fault, other: Fault): boolean {
  const ends = (fault: Fault): string[] => {
    if (fault.kind === 'lossyMedia') return [`media ${fault.node}`];
    return 'from' in fault ? [`${fault.from} ${fault.to}`] : [...victims(fault)];
  };
  return ends(one).some((end) => ends(other).includes(end));
}

function drawn(random: () => number, parts: Parts): Fault {
  const draws = parts.losesPackets ? [...DRAWS, ...PACKET_DRAWS] : DRAWS;
  const total = draws.reduce((sum, [weight]) => sum + weight, 0);
  let left = random() * total;
  for (const [weight, draw] of draws) {
    left -= weight;
    if (left < 0) return draw(random, parts);
  }
  throw new Error('The weights do not add up.');
}

/** Two connected parts, in the direction of their connections. */
function link(random: () => number, { masters, mediaNodes, balancer }: Parts): { from: string; to: string } {
  const master = pick(random, masters);
  const rest = masters.filter((other) => other !== master);
  return pick(random, [
    { from: 'clients', to: balancer },
    { from: balancer, to: master },
    { from: master, to: pick(random, rest) },
    { from: master, to: pick(random, rest) },
    { from: master, to: pick(random, mediaNodes) },
  ]);
}

export function between(random: () => number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.round(min + random() * (max - min));
}
