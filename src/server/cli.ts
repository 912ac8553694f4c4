import { enableCompileCache } from 'node:module';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import type { StaticFiles } from './balancer/static-files.ts';
import { isEverywhere, reachableAddress } from './cli/addresses.ts';
import type { BalancerFlags, DevFlags, MasterFlags, MediaNodeFlags, NodeFlags, ProcessFlags } from './cli/flags.ts';
import { options, timingOf, webhooksOf } from './cli/options.ts';
import { live } from './cli/process-life.ts';
import { UsageError } from './cli/usage-error.ts';
import type { StoreLocation } from './cli/values.ts';
import type { RequestDrain } from './shared/drain-route.ts';
import { VERSION } from './shared/version.ts';
import type { Store } from './store/store.ts';

/** The command line. Each command loads only what it runs: the balancer needs no media library. */

/** Exit code of a command that was not understood. */
const USAGE = 2;
const ROOT = join(import.meta.dirname, '..', '..');

// Stores and logs hold what other users of the machine must not read.
process.umask(0o077);

// A node that crashed is back a third sooner.
enableCompileCache();

const program = new Command('rejoin')
  .description('Video sessions that outlive the machines that serve them.')
  .version(VERSION, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .addHelpText('after', '\n"rejoin <command> --help" lists the options of a command.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE));

command('dev', 'Run a whole cluster on this machine: balancer, masters, media nodes and the demo page.', [
  options.port(8080),
  options.host('127.0.0.1'),
  options.devPublicUrl(),
  options.devSecret(),
  options.mastersCount(),
  options.mediaNodesCount(),
  options.failover(),
  options.iceServers(),
  options.rtcPorts(40_000, 40_100),
  options.listenIp('127.0.0.1'),
  options.announcedAddress(),
  options.stateDir(),
  options.logLevel('info'),
  options.json(),
  ...options.webhooks(),
  ...options.timing(),
]).action(async (flags: DevFlags) => {
  const { runDev } = await import('./dev/run-dev.ts');
  const webhooks = webhooksOf(flags);
  await runDev({
    ...flags,
    json: flags.json ?? false,
    directories: demoDirectories(),
    timing: timingOf(flags),
    ...(webhooks ? { webhooks } : {}),
  });
});

command('master', 'Run one master: it owns sessions and holds the sockets of clients.', [
  ...nodeOptions('master', 4000),
  options.publicUrl(),
  options.failover(),
  options.iceServers(),
  ...options.webhooks(),
]).action(async (flags: MasterFlags) => {
  const common = nodeSettings('master', flags);
  const publicUrl = needed(flags.publicUrl, 'PublicUrlMissing', '--public-url', 'where clients reach the balancer');
  const webhooks = webhooksOf(flags);
  const { startMaster } = await import('./master/master.ts');
  const start = async (drainRequested: RequestDrain) =>
    startMaster({
      ...common,
      drainRequested,
      store: await openStore(flags.store),
      publicUrl,
      failover: flags.failover,
      iceServers: flags.iceServers ?? [],
      ...(webhooks ? { webhooks } : {}),
    });
  await live(start, flags.drainDeadline);
});

command('media-node', 'Run one media node: it carries the media of the sessions placed on it.', [
  ...nodeOptions('media node', 4100),
  options.workers(),
  options.rtcPorts(40_000, 40_100),
  options.listenIp('0.0.0.0'),
  options.announcedAddress(),
]).action(async (flags: MediaNodeFlags) => {
  const common = nodeSettings('media-node', flags);
  const { rtcPorts, listenIp, workers = availableParallelism() } = flags;
  if (rtcPorts.max - rtcPorts.min + 1 < workers) {
    throw new UsageError('RtcPortsTooFew', `${workers} workers need a port each: give a wider --rtc-ports.`);
  }
  const announcedAddress =
    flags.announcedAddress ?? (isEverywhere(listenIp) ? reachableAddress(listenIp, '--announced-address') : undefined);
  const { startMediaNode } = await import('./media-node/media-node.ts');
  const start = async (drainRequested: RequestDrain) =>
    startMediaNode({
      ...common,
      drainRequested,
      store: await openStore(flags.store),
      workers,
      rtcPorts,
      listenIp,
      announcedAddress,
    });
  await live(start, flags.drainDeadline);
});

command('balancer', 'Run the bundled balancer in front of the masters.', [
  ...processOptions('balancer', 8080),
  options.masters(),
  options.directories(),
  options.routes(),
  options.requestTimeout(),
]).action(async (flags: BalancerFlags) => {
  const { host, port, logLevel } = flags;
  const timing = timingOf(flags);
  const secret = secretOf(flags);
  const masters = needed(flags.master, 'MasterMissing', '--master', 'the URL of a master, once for each');
  const { startBalancer } = await import('./balancer/balancer.ts');
  const start = () =>
    startBalancer({
      id: idOf('balancer', flags),
      host,
      port,
      secret,
      masters: [...new Set(masters)],
      directories: flags.static ?? [],
      routes: flags.route ?? [],
      logLevel,
      timing,
      requestMs: flags.requestTimeout,
      handshakeMs: Math.min(flags.requestTimeout, 2_000),
    });
  await live(start, flags.drainDeadline);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exit(report(error));
}

function command(name: string, description: string, flags: readonly Option[]): Command {
  const made = program.command(name).description(description);
  for (const flag of flags) made.addOption(flag);
  return made.addHelpText('after', '\nEach option can be given in the environment instead, as shown.');
}

function processOptions(what: string, port: number): Option[] {
  return [
    options.id(what),
    options.host('0.0.0.0'),
    options.port(port),
    options.secret(),
    options.logLevel('info'),
    options.drainDeadline(),
    ...options.timing(),
  ];
}

function nodeOptions(what: string, port: number): Option[] {
  return [...processOptions(what, port), options.advertiseUrl(), options.store()];
}

/** What masters and media nodes have in common. */
function nodeSettings(role: string, flags: NodeFlags) {
  const { host, port, logLevel, store } = flags;
  needed(store, 'StoreMissing', '--store', 'where the shared store is, e.g. sqlite:/var/lib/rejoin/store.sqlite');
  return {
    id: idOf(role, flags),
    host,
    port,
    secret: secretOf(flags),
    logLevel,
    timing: timingOf(flags),
    ...advertised(flags),
  };
}

function advertised({ advertiseUrl, host, port }: NodeFlags): { advertisedUrl?: string } {
  if (advertiseUrl !== undefined) return { advertisedUrl: advertiseUrl };
  if (!isEverywhere(host)) return {};
  if (port === 0) {
    throw new UsageError('AddressUnclear', 'With --port 0 and every address, give --advertise-url or one --host.');
  }
  return { advertisedUrl: `http://${reachableAddress(host, '--advertise-url')}:${port}` };
}

/** Two processes of a role on one machine have two ports. */
function idOf(role: string, { id, port }: ProcessFlags): string {
  return id ?? `${role}-${hostname().replace(/[^a-zA-Z0-9_.-]/g, '-')}-${port}`;
}

function secretOf({ secret }: ProcessFlags): string {
  return needed(
    secret,
    'SecretMissing',
    '--secret',
    "the cluster's secret; REJOIN_SECRET keeps it out of process lists",
  );
}

function needed<T>(value: T | undefined, name: string, option: string, what: string): T {
  if (value === undefined) throw new UsageError(name, `${option} is needed: ${what}.`);
  return value;
}

async function openStore(location: StoreLocation | undefined): Promise<Store> {
  const { file } = needed(location, 'StoreMissing', '--store', 'where the shared store is');
  const { SqliteStore } = await import('./store/sqlite-store.ts');
  try {
    return new SqliteStore(file);
  } catch (error) {
    throw new UsageError('StoreUnusable', `${file} cannot be opened as a store (${String(error)}).`);
  }
}

/** The demo page at `/` and the browser bundles at `/dist/`. */
function demoDirectories(): StaticFiles[] {
  const dist = join(ROOT, 'dist');
  return [
    { prefix: '/', directory: join(dist, 'demo') },
    { prefix: '/dist/', directory: dist },
  ];
}

/** Says what went wrong, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.name}: ${error.message}\n`);
    return USAGE;
  }
  if (!(error instanceof Error)) throw error;
  const { name, message, stack } = error;
  if ('code' in error && error.code === 'EADDRINUSE') {
    process.stderr.write(`PortTaken: ${message}. End the program that has the port, or choose another with --port.\n`);
  } else {
    // A named error of ours says all there is to say; anything else is a fault, and its place matters.
    process.stderr.write(`${name === 'Error' || name === 'TypeError' ? stack : `${name}: ${message}`}\n`);
  }
  return 1;
}
