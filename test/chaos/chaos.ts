import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { NamespacesMissing } from '../fixtures/hosts/namespaces-missing.ts';
import { makeOwnNetwork, PacketLoss } from './packet-loss.ts';
import { describeOutcome, verdicts } from './report.ts';
import { runChaos } from './run.ts';

/** The command line of the chaos run. */

const HELP = `npm run chaos -- [options]

Runs a cluster of real processes (3 masters, 3 media nodes, a balancer), clients in sessions of both policies, and
browser tabs with video. Kills, freezes, drains and cuts off the processes they depend on. For a while it also loses a
quarter of the packets between two kinds of process: TCP between masters, balancer, clients and media nodes, and media
over UDP. Then it prints the losses, and exits with 1 if there were any. The kernel loses the packets, in a network
namespace that belongs to the run. Where the run cannot make one, it says so and continues without packet loss.

  --minutes <n>   how long faults happen (default 2); start, calm and account come on top
  --seed <n>      the same seed gives the same faults in the same order, and the same clients talk, leave and join. Their
                  timing depends on the machine. Default: a new seed, which is printed
  --rooms <n>     sessions of WebSocket clients, half with each policy (default 8)
  --seats <n>     clients in each (default 5); clients after the third leave, and others replace them
  --no-tabs       without browser tabs
  --json          result as JSON on stdout; faults and progress go to stderr
  --help
`;

const USAGE = 2;
/** Set for the process inside the namespace. */
const INSIDE = 'CHAOS_HAS_OWN_NETWORK';

// After the parent's death nothing else would end this namespace.
process.on('disconnect', () => process.exit(1));
process.exit(await main());

async function main(): Promise<number> {
  const options = read();
  if (typeof options === 'number') return options;
  if (process.env['REJOIN_CHECK_ONLY'] !== undefined) return 0;
  const { values, minutes, seed, rooms, seatsPerRoom } = options;
  const inside = process.env[INSIDE] !== undefined;
  if (!inside) {
    const code = await runInside();
    if (code !== undefined) return code;
  }
  const say = (line: string): void => {
    process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${line}\n`);
  };
  const enough = new AbortController();
  process.on('SIGINT', () => {
    if (enough.signal.aborted) process.exit(130);
    say('No more faults; Ctrl-C again ends without the evaluation.');
    enough.abort();
  });
  say(`seed ${seed}`);
  const tabs = !values['no-tabs'];
  const { outcome, evidence } = await runChaos({
    minutes,
    seed,
    rooms,
    seatsPerRoom,
    tabs,
    loss: inside ? new PacketLoss() : undefined,
    say,
    signal: enough.signal,
  });
  const broken = verdicts(outcome).filter(({ against }) => against.length > 0);
  process.stdout.write(
    `${values.json ? JSON.stringify({ ...outcome, evidence }, null, 2) : describeOutcome(outcome)}\n`,
  );
  if (evidence) say(`The logs and the history are in ${evidence}.`);
  return broken.length === 0 ? 0 : 1;
}

/** Runs this command in a network namespace and returns its exit code; `undefined` if no namespace can be made. */
async function runInside(): Promise<number | undefined> {
  let network: Awaited<ReturnType<typeof makeOwnNetwork>>;
  try {
    network = await makeOwnNetwork();
  } catch (error) {
    if (!(error instanceof NamespacesMissing)) throw error;
    process.stderr.write(`This run drops no packets. ${error.message}\n`);
    return undefined;
  }
  const [program = '', ...args] = network.entering([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  const run = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE]: '1' },
  });
  // A Ctrl-C in the terminal also reaches the run, which reports its consequence.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => run.kill('SIGTERM'));
  const [code, signal] = (await once(run, 'exit')) as [number | null, NodeJS.Signals | null];
  await network.end();
  return signal ? 128 + constants.signals[signal] : (code ?? 1);
}

function read() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string' },
        rooms: { type: 'string', default: '8' },
        seats: { type: 'string', default: '5' },
        'no-tabs': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    return {
      values,
      minutes: positive('--minutes', values.minutes),
      seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : positive('--seed', values.seed),
      rooms: positive('--rooms', values.rooms),
      seatsPerRoom: positive('--seats', values.seats),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return USAGE;
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} needs a number above 0, not "${text}".`);
  return value;
}
