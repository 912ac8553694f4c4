import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { FaultNet } from '../fixtures/faults/fault-net.ts';
import { seededRandom } from '../fixtures/random.ts';
import { settle } from './aftermath.ts';
import { AppServer } from './app-server.ts';
import { Crowd } from './crowd.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { account, livesOf } from './ledger.ts';
import { brokenLineages, castOut, destroyedTakeovers, twoOwners, unexpectedEvents } from './lineage.ts';
import { Nodes } from './nodes.ts';
import type { PacketLoss } from './packet-loss.ts';
import { recoveries } from './recoveries.ts';
import { type Outcome, verdicts } from './report.ts';
import { type Parts, schedule } from './schedule.ts';
import { Tabs } from './tabs.ts';
import type { Standing } from './visitor.ts';
import { watchWelcomes } from './welcomes.ts';

export interface RunOptions {
  readonly minutes: number;
  readonly seed: number;
  /** WebSocket clients: rooms, half of them with each policy, and participants in each. */
  readonly rooms: number;
  readonly seatsPerRoom: number;
  /** Whether there are tabs with video. */
  readonly tabs: boolean;
  /** Drops packets in the run's own namespace. */
  readonly loss: PacketLoss | undefined;
  readonly say: (line: string) => void;
  /** Ends the faults early; the evaluation follows. */
  readonly signal: AbortSignal;
}

export interface Run {
  readonly outcome: Outcome;
  /** The folder with the nodes' logs and the history, after a failure. */
  readonly evidence: string | undefined;
}

const PARTS: Omit<Parts, 'losesPackets'> = {
  masters: ['master-1', 'master-2', 'master-3'],
  mediaNodes: ['media-1', 'media-2', 'media-3'],
  balancer: 'balancer-1',
};
const PROGRESS_MS = 10_000;
/** The server keeps a connection for 20 s, and a new owner starts over. */
const CALM_MS = 45_000;
const LEFT_MS = 40_000;

/** Runs a cluster of real processes with participants and faults; then evaluates the history. */
export async function runChaos(options: RunOptions): Promise<Run> {
  const { minutes, seed, say, loss } = options;
  const parts: Parts = { ...PARTS, losesPackets: loss !== undefined };
  const stalls = monitorEventLoopDelay({ resolution: 10 });
  const history = new History();
  watchWelcomes((welcome) => history.welcomes.push(welcome));
  const net = new FaultNet(seed);
  const running = await RunningCluster.start({
    masters: PARTS.masters.length,
    mediaNodes: PARTS.mediaNodes.length,
    reachedAt: net.reachedAt,
    ...(loss ? { rtcPorts: loss.mediaPorts(PARTS.mediaNodes) } : {}),
    directories: [
      { prefix: '/', directory: 'test/chaos/page' },
      { prefix: '/dist/', directory: 'dist' },
    ],
  });
  let tabs: Tabs | undefined;
  try {
    const nodes = new Nodes(running);
    const memoryBefore = await nodes.memory();
    const app = new AppServer(running, history);
    const crowd = new Crowd({ ...options }, history, app);
    if (options.tabs) tabs = await Tabs.open(history, app, say);
    await Promise.all([crowd.come(), tabs?.call(running.url, 'takeover'), tabs?.call(running.url, 'rebuild')]);
    const first = await lives(running, history);
    say(`${crowd.size} clients and ${tabs?.size ?? 0} tabs are in ${history.rooms.size} sessions.`);

    stalls.enable();
    const faults = new Faults(running, parts, { net, loss }, say);
    crowd.live();
    await tabs?.talk();
    await strike(faults, parts, options, () => progress(history, [...crowd.standings(), ...(tabs?.standings() ?? [])]));
    say('The faults are over.');
    await faults.heal();
    await Promise.race([crowd.settle(), delay(CALM_MS)]);
    await Promise.all([crowd.hush(), tabs?.hush()]);
    const still = async (): Promise<string[]> => (await tabs?.still()) ?? [];
    const standings = (): Standing[] => [...crowd.standings(), ...(tabs?.standings() ?? [])];
    const aftermath = await settle({ app, standings, still }, CALM_MS);
    stalls.disable();
    const sessionsLost = [
      ...destroyedTakeovers(history),
      ...(await lostSessions(running, history, first, standings())),
      ...[...app.created].flatMap(([room, times]) =>
        times > 1 && history.rooms.get(room) === 'takeover' ? [`${room} was created ${times} times`] : [],
      ),
    ];
    crowd.leave();
    await tabs?.leave();
    const leaks = await nodes.leftovers(LEFT_MS);
    const log = nodes.log();
    const outcome: Outcome = {
      seed,
      minutes,
      losesPackets: parts.losesPackets,
      faults: faults.counts,
      account: account(history),
      aftermath,
      joinsFailed: tally(history, (entry) => (entry.what === 'joinFailed' ? entry.code : undefined)),
      sessionsLost,
      castOut: castOut(history),
      unexpectedEvents: unexpectedEvents(history),
      twoOwners: twoOwners(log),
      brokenLineages: brokenLineages(history),
      leaks,
      pageErrors: tabs?.errors ?? [],
      restSurprises: app.surprises,
      exceptions: tally(history, (entry) => (entry.what === 'exception' ? entry.name : undefined)),
      recoveries: recoveries(history),
      longestVideoGapMs: tabs?.longestGaps() ?? {},
      memory: { before: memoryBefore, after: await nodes.memory() },
      ownStallMs: Math.round(stalls.max / 1e6),
      machine: { load: Math.round((loadavg()[0] ?? 0) * 10) / 10, cores: availableParallelism() },
    };
    const broken = verdicts(outcome).some(({ against }) => against.length > 0);
    if (!broken) return { outcome, evidence: undefined };
    const evidence = keepEvidence(running, history, seed);
    writeFileSync(join(evidence, 'outcome.json'), JSON.stringify(outcome, null, 2));
    return { outcome, evidence };
  } catch (error) {
    say(`The run itself failed; the logs are in ${keepEvidence(running, history, seed)}.`);
    throw error;
  } finally {
    await tabs?.close();
    await running.stop();
    await net.close();
  }
}

/** Causes faults until the time is over, and reports the progress. */
async function strike(
  faults: Faults,
  parts: Parts,
  { minutes, seed, signal, say }: RunOptions,
  line: () => string,
): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]);
  const progressing = setInterval(() => say(line()), PROGRESS_MS);
  try {
    for (const step of schedule(seededRandom(seed), parts)) {
      await delay(step.pauseMs, undefined, { signal: until }).catch(() => {});
      if (until.aborted) return;
      await faults.strike(step, until);
    }
  } finally {
    clearInterval(progressing);
  }
}

function progress(history: History, standings: readonly Standing[]): string {
  const states: Record<string, number> = {};
  for (const { state } of standings) states[state] = (states[state] ?? 0) + 1;
  const people = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  const messages = `${history.count('sent')} sent, ${history.count('resolved')} resolved, ${history.count('received')} received`;
  return `… ${messages}, ${history.count('rejected')} rejected; ${people.join(', ')}`;
}

/** The present life of each session, according to the store. */
async function lives(running: RunningCluster, history: History): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>();
  for (const room of history.rooms.keys()) found.set(room, (await running.session(room))?.uniqueSessionId);
  return found;
}

async function lostSessions(
  running: RunningCluster,
  history: History,
  first: ReadonlyMap<string, string | undefined>,
  standings: readonly Standing[],
): Promise<string[]> {
  const lifeOf = livesOf(history);
  const last = await lives(running, history);
  return [...history.rooms].flatMap(([room, policy]) => {
    const life = last.get(room);
    if (life === undefined) return [`${room} no longer exists`];
    if (policy === 'takeover' && life !== first.get(room)) return [`${room} is ${life}, and was ${first.get(room)}`];
    return standings
      .filter((one) => one.room === room && one.connectionId !== undefined)
      .filter(({ connectionId }) => lifeOf.get(String(connectionId)) !== life)
      .map(({ who, connectionId }) => `${who} (${connectionId}) is not in ${life}`);
  });
}

function tally(
  history: History,
  key: (entry: History['entries'][number]) => string | undefined,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of history.entries) {
    const name = key(entry);
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Copies the evidence: the nodes' logs, and the participants' history. */
function keepEvidence(running: RunningCluster, history: History, seed: number): string {
  const folder = mkdtempSync(join(tmpdir(), `rejoin-chaos-${seed}-`));
  cpSync(join(running.cluster.stateDir, 'logs'), folder, { recursive: true });
  const lines = history.entries.map((entry) => JSON.stringify({ time: new Date(entry.at).toISOString(), ...entry }));
  writeFileSync(join(folder, 'history.jsonl'), `${lines.join('\n')}\n`);
  return folder;
}
