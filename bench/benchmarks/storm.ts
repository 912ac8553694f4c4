import { RunningCluster } from '../../test/fixtures/cluster/running-cluster.ts';
import { until } from '../../test/fixtures/until.ts';
import { BenchError } from '../bench-error.ts';
import type { Benchmark, Context } from '../benchmark.ts';
import { createSession } from '../calls/call-cluster.ts';
import { now, untilTime } from '../clock.ts';
import { EchoServer } from '../floor/echo-server.ts';
import { Load } from '../load/load.ts';
import type { LoadOrder } from '../load/messages.ts';
import { cpuSecondsOf, memoryOf, requireProc, requireRoomFor } from '../processes.ts';
import { type StormObserved, stormMetrics } from './storm-metrics.ts';

const MASTERS = ['master-1', 'master-2', 'master-3'] as const;
const PER_SESSION = 25;
/** Each has half of the clients. */
const LOAD_PROCESSES = 2;
/** Time after connecting until the cluster is idle. */
const SETTLE_MS = 5_000;
const BACK_MS = 60_000;

export const storm: Benchmark = {
  name: 'storm',
  title: 'one of three masters is killed, with thousands of connections',
  trials: 1,
  browsers: [],

  async run(context) {
    requireProc();
    requireRoomFor(context.connections);
    const observed: StormObserved[] = [];
    const floor: number[] = [];
    for (let trial = 0; trial < context.trials; trial += 1) {
      context.progress(`trial ${trial + 1} of ${context.trials}: floor`);
      floor.push(...(await bareStorm(context)));
      observed.push(await stormOnce(context));
    }
    return {
      method: `${context.connections} members of ${Math.ceil(context.connections / PER_SESSION)} sessions (takeover) are at three masters behind one balancer. The clients speak the protocol as the SDK does, with its pings, acknowledgements and retry delays, in ${LOAD_PROCESSES} processes. One master gets SIGKILL. Clients with their socket there come back through the balancer; clients of its sessions resume at the new owner. The time until each client has resumed starts at the kill. Afterwards each session exchanges a message that every member must get once. Processor time is from the kill until ${SETTLE_MS / 1_000} s after the last client is back. Memory is the growth of the masters, or the balancer, while connecting, for each connection.`,
      metrics: stormMetrics(context.connections, observed, floor),
    };
  },
};

async function stormOnce({ connections, cleanup: whole, progress }: Context): Promise<StormObserved> {
  const cleanup = whole.part();
  const running = await RunningCluster.start({ masters: MASTERS.length, failover: 'takeover', logLevel: 'warn' });
  cleanup.add(() => running.stop());
  const sessions = sessionsOf(connections);
  for (const [at, { name }] of sessions.entries()) {
    await createSession(running, name, 'takeover', MASTERS[at % MASTERS.length] ?? 'master-1');
  }
  const servers = { masters: MASTERS.map((id) => running.node(id).pid), balancer: running.node('balancer-1').pid };
  const before = memory(servers);
  progress(`${connections} connections`);
  const began = now();
  const load = await Load.start(ordersFor(running, sessions), cleanup);
  progress(`all joined after ${Math.round((now() - began) / 1_000)} s`);
  await untilTime(now() + SETTLE_MS);
  const after = memory(servers);

  const cpuBefore = cpu([...servers.masters, servers.balancer, ...load.pids]);
  const killedAt = now();
  const victim = running.cluster.kill(MASTERS[0]);
  const { pid: restarted } = await until('the killed master is back', () =>
    running.cluster.nodes().find(({ id, pid }) => id === MASTERS[0] && pid !== victim),
  );
  await allThere(load, connections);
  const spentUntil = now() + SETTLE_MS;
  progress('all clients are back');
  await untilTime(spentUntil);
  const spent = (pids: readonly number[]): number =>
    pids.reduce((sum, pid) => sum + cpuSecondsOf(pid) - (cpuBefore.get(pid) ?? 0), 0);
  const cpuSeconds = {
    masters: spent(servers.masters.filter((pid) => pid !== victim)),
    restartedMaster: spent([restarted]),
    balancer: spent([servers.balancer]),
    load: spent(load.pids),
  };
  const { expected, delivered, twice } = await load.exchange();
  const there = await allThere(load, connections);
  // Ask only now: before the exchange, some clients have not noticed the loss of their socket.
  const resumedAfter = (await load.backTimes(killedAt)).map((at) => at - killedAt);
  if (resumedAfter.length === 0) throw new BenchError('NothingHappened', 'The kill cut no connection.');
  await cleanup.run();
  if (delivered !== expected || twice > 0) {
    throw new BenchError(
      'MessagesLost',
      `After the storm ${delivered} of ${expected} members got their message, ${twice} of them more than once.`,
    );
  }
  return {
    resumedAfter,
    notResumed: connections - there,
    cpuSeconds,
    masterKb: (after.masters - before.masters) / connections,
    balancerKb: (after.balancer - before.balancer) / connections,
  };
}

async function bareStorm({ connections, cleanup: whole }: Context): Promise<number[]> {
  const cleanup = whole.part();
  const server = await EchoServer.start(cleanup);
  const orders = sizesOf(connections).map((size) => ({
    kind: 'bare' as const,
    socketUrl: server.url,
    connections: size,
  }));
  const load = await Load.start(orders, cleanup);
  const killedAt = now();
  server.kill();
  const back = await until(
    'all sockets are open again',
    async () => {
      const times = await load.backTimes(killedAt);
      return times.length === connections && times;
    },
    BACK_MS,
  );
  await cleanup.run();
  return back.map((at) => at - killedAt);
}

async function allThere(load: Load, connections: number): Promise<number> {
  const deadline = now() + BACK_MS;
  for (;;) {
    const { there, ended } = await load.state();
    if (there === connections) return there;
    if (ended.length > 0 || now() > deadline) {
      const why =
        ended.length > 0 ? `${ended.length} have ended, the first with: ${ended[0]}` : 'the others are silent';
      throw new BenchError('ConnectionsLost', `${there} of ${connections} connections are back; ${why}.`);
    }
    await untilTime(now() + 100);
  }
}

interface SessionSize {
  readonly name: string;
  readonly members: number;
}

function sessionsOf(connections: number): SessionSize[] {
  return Array.from({ length: Math.ceil(connections / PER_SESSION) }, (_, at) => ({
    name: `storm-${at}`,
    members: Math.min(PER_SESSION, connections - at * PER_SESSION),
  }));
}

/** Sessions stay whole, so that each process can check its own sessions. */
function ordersFor({ socketUrl, url, cluster }: RunningCluster, sessions: readonly SessionSize[]): LoadOrder[] {
  return Array.from({ length: LOAD_PROCESSES }, (_, part) => ({
    kind: 'members',
    socketUrl,
    apiUrl: `${url}/openvidu/api`,
    secret: cluster.secret,
    sessions: sessions.filter((_session, at) => at % LOAD_PROCESSES === part),
  }));
}

function sizesOf(connections: number): number[] {
  const half = Math.floor(connections / LOAD_PROCESSES);
  return [half, connections - half];
}

function memory({ masters, balancer }: { masters: readonly number[]; balancer: number }) {
  return { masters: masters.reduce((sum, pid) => sum + memoryOf(pid), 0), balancer: memoryOf(balancer) };
}

function cpu(pids: readonly number[]): Map<number, number> {
  return new Map(pids.map((pid) => [pid, cpuSecondsOf(pid)]));
}
