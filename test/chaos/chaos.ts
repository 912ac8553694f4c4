import { parseArgs } from 'node:util';
import { describeOutcome, verdicts } from './report.ts';
import { runChaos } from './run.ts';

/** The command line of the chaos run. */

const HELP = `npm run chaos -- [options]

Runs a cluster of real processes (3 masters, 3 media nodes, a balancer), people in sessions of both policies, and browser
tabs with video; kills, freezes, drains and cuts off what they depend on; then says what was lost. Exits with 1 if anything was.

  --minutes <n>   how long faults happen (default 2); start, calm and account come on top
  --seed <n>      the same seed: the same faults in the same order, the same people who talk, leave and come. Which of
                  these meet is up to the machine. Default: a new one, which is printed
  --rooms <n>     sessions of WebSocket clients, half with each policy (default 8)
  --seats <n>     clients in each (default 5); those after the third leave and are followed by others
  --no-tabs       without browser tabs
  --json          the outcome as JSON on stdout; faults and progress go to stderr
  --help
`;

const USAGE = 2;

process.exit(await main());

async function main(): Promise<number> {
  const options = read();
  if (typeof options === 'number') return options;
  const { values, minutes, seed, rooms, seatsPerRoom } = options;
  const say = (line: string): void => {
    process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${line}\n`);
  };
  const enough = new AbortController();
  process.on('SIGINT', () => {
    if (enough.signal.aborted) process.exit(130);
    say('No more faults; Ctrl-C again ends without the account.');
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
