import { randomBytes } from 'node:crypto';
import { enableCompileCache } from 'node:module';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import { isEverywhere, isLoopback, reachableAddress } from './cli/addresses.ts';
import type { BalancerFlags, DevFlags, MasterFlags, MediaNodeFlags, NodeFlags, ProcessFlags } from './cli/flags.ts';
import { createStore, openStore } from './cli/open-store.ts';
import { directoriesOf, options, timingOf, webhooksOf } from './cli/options.ts';
import { live } from './cli/process-life.ts';
import { reportFailure, USAGE } from './cli/report.ts';
import { DEV_VARIABLE, strongSecret } from './cli/secret-strength.ts';
import { UsageError } from './cli/usage-error.ts';
import { internalPortOf, readSecret, type StoreLocation } from './cli/values.ts';
import type { RequestDrain } from './shared/drain-route.ts';
import { newIdentity } from './shared/identity.ts';
import { createLogger } from './shared/logging.ts';
import { SecretFileError, Secrets } from './shared/secrets.ts';
import { VERSION } from './shared/version.ts';

/** The command line. Each command loads only what it runs: the balancer needs no media library. */

const OTHERS = 'the other processes and for metrics';
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
  options.corsOrigins(),
  options.stateDir(),
  options.logLevel('info'),
  options.json(),
  ...options.webhooks(),
  ...options.timing(),
]).action(async (flags: DevFlags) => {
  const [{ runDev }, { demoFiles }] = await Promise.all([import('./dev/run-dev.ts'), import('./dev/demo-page.ts')]);
  const webhooks = webhooksOf(flags);
  const directories = demoFiles(join(ROOT, 'dist'));
  const checked = { ...flags, json: flags.json ?? false, secret: devSecretOf(flags), timing: timingOf(flags) };
  if (process.env['REJOIN_CHECK_ONLY'] === undefined) {
    await runDev({ ...checked, directories, ...(webhooks ? { webhooks } : {}) });
  }
});

command('master', 'Run one master: it owns sessions and holds the sockets of clients.', [
  ...nodeOptions('master', 4000),
  options.publicUrl(),
  options.failover(),
  options.iceServers(),
  options.trustedProxies(),
  options.allowedOrigins(),
  options.corsOrigins(),
  ...options.webhooks(),
]).action(async (flags: MasterFlags) => {
  const common = nodeSettings('master', flags);
  const publicUrl = needed(flags.publicUrl, 'PublicUrlMissing', '--public-url', 'where clients reach the balancer');
  const webhooks = webhooksOf(flags);
  const { startMaster } = await import('./master/master.ts');
  const store = storeOf(flags);
  const start = async (drainRequested: RequestDrain) =>
    startMaster({
      ...common,
      drainRequested,
      store: await openStore(store),
      publicUrl,
      failover: flags.failover,
      iceServers: flags.iceServers ?? [],
      trustedProxies: flags.trustedProxies,
      allowedOrigins: flags.allowedOrigins,
      corsOrigins: flags.corsOrigins,
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
  const { rtcPorts, listenIp } = flags;
  const ports = rtcPorts.max - rtcPorts.min + 1;
  const workers = flags.workers ?? Math.min(availableParallelism(), ports);
  if (ports < workers) {
    throw new UsageError('RtcPortsTooFew', `${workers} workers need a port each: give a wider --rtc-ports.`);
  }
  const announcedAddress =
    flags.announcedAddress ?? (isEverywhere(listenIp) ? reachableAddress(listenIp, '--announced-address') : undefined);
  const { startMediaNode } = await import('./media-node/media-node.ts');
  const store = storeOf(flags);
  const start = async (drainRequested: RequestDrain) =>
    startMediaNode({
      ...common,
      drainRequested,
      store: await openStore(store),
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
  options.staticPolicies(),
  options.routes(),
  options.requestTimeout(),
  options.internalHost('metrics', 'loopback'),
  options.internalPort('metrics'),
  options.trustedProxies(),
  options.corsOrigins(),
]).action(async (flags: BalancerFlags) => {
  const { host, port, logLevel } = flags;
  const timing = timingOf(flags);
  const secrets = secretsOf('balancer', flags);
  const masters = needed(flags.master, 'MasterMissing', '--master', 'the URL of a master, once for each');
  const { startBalancer } = await import('./balancer/balancer.ts');
  const start = () =>
    startBalancer({
      id: idOf('balancer', flags),
      host,
      port,
      internalHost: flags.internalHost ?? '127.0.0.1',
      internalPort: flags.internalPort ?? internalPortOf(port),
      trustedProxies: flags.trustedProxies,
      corsOrigins: flags.corsOrigins,
      secrets,
      masters: [...new Map(masters.map((master) => [master.url, master])).values()],
      directories: directoriesOf(flags),
      routes: flags.route ?? [],
      logLevel,
      timing,
      requestMs: flags.requestTimeout,
      handshakeMs: Math.min(flags.requestTimeout, 2_000),
    });
  await live(start, flags.drainDeadline);
});

command('create-store', 'Make the store of a new cluster, once. Masters and media nodes only open one that is there.', [
  options.store(),
]).action((flags: Pick<NodeFlags, 'store'>) => createStore(storeOf(flags)));

try {
  await program.parseAsync();
} catch (error) {
  process.exit(reportFailure(error));
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
    options.secretFile(),
    options.logLevel('info'),
    options.drainDeadline(),
    ...options.timing(),
  ];
}

function nodeOptions(what: string, port: number): Option[] {
  return [
    ...processOptions(what, port),
    options.internalHost(OTHERS, 'the advertised one'),
    options.internalPort(OTHERS),
    options.advertiseUrl(),
    options.store(),
  ];
}

/** What masters and media nodes have in common. */
function nodeSettings(role: string, flags: NodeFlags) {
  const { host, port, internalPort, logLevel } = flags;
  const { internalHost, advertisedUrl } = advertised(flags);
  return {
    id: idOf(role, flags),
    host,
    port,
    internalHost,
    internalPort: internalPort ?? internalPortOf(port),
    secrets: secretsOf(role, flags),
    logLevel,
    timing: timingOf(flags),
    ...(advertisedUrl === undefined ? {} : { advertisedUrl }),
  };
}

function storeOf({ store }: Pick<NodeFlags, 'store'>): StoreLocation {
  return needed(
    store,
    'StoreMissing',
    '--store',
    'where the shared store is, e.g. sqlite:/var/lib/rejoin/store.sqlite',
  );
}

/** The internal port is open where the others are told to find it, and nowhere else unless that is asked for. */
function advertised(flags: NodeFlags): { internalHost: string; advertisedUrl?: string } {
  const { advertiseUrl, host, port, internalPort = internalPortOf(port) } = flags;
  if (advertiseUrl !== undefined) {
    const { hostname } = new URL(advertiseUrl);
    return { internalHost: flags.internalHost ?? hostname.replace(/^\[|\]$/g, ''), advertisedUrl: advertiseUrl };
  }
  const internalHost = flags.internalHost ?? reachableAddress(host, '--internal-host');
  if (!isEverywhere(internalHost)) return { internalHost };
  if (internalPort === 0) {
    throw new UsageError(
      'AddressUnclear',
      'With port 0 and every address, give --advertise-url or one --internal-host.',
    );
  }
  return { internalHost, advertisedUrl: `http://${reachableAddress(internalHost, '--advertise-url')}:${internalPort}` };
}

/** Two processes of a role on one machine have two ports. */
function idOf(role: string, { id, port }: ProcessFlags): string {
  return id ?? `${role}-${hostname().replace(/[^a-zA-Z0-9_.-]/g, '-')}-${port}`;
}

/** A secret that is known to all is good only where nobody else comes. */
function devSecretOf({ secret, host, publicUrl }: DevFlags): string {
  const alone = isLoopback(host) && (publicUrl === undefined || isLoopback(new URL(publicUrl).hostname));
  if (alone) return secret ?? 'MY_SECRET';
  return secret === undefined ? randomBytes(32).toString('base64url') : strongSecret(secret);
}

/** @throws {UsageError} SecretMissing, SecretTwice, WeakSecret, or SecretFile when the file cannot be used */
function secretsOf(role: string, flags: ProcessFlags): Secrets {
  const { secret, secretFile, logLevel, host, internalHost = host } = flags;
  const supervised = process.env[DEV_VARIABLE] === '1' && isLoopback(host) && isLoopback(internalHost);
  const check = supervised ? readSecret : strongSecret;
  if (secretFile === undefined) {
    const what = "the cluster's secret, in a file; or give it as REJOIN_SECRET";
    return Secrets.of(check(needed(secret, 'SecretMissing', '--secret-file', what)));
  }
  if (secret !== undefined) throw new UsageError('SecretTwice', 'Give --secret-file or a secret, not both.');
  try {
    const secrets = Secrets.fromFile(secretFile, check);
    const identity = newIdentity(role === 'balancer' ? 'balancer' : 'master', idOf(role, flags), '');
    secrets.follow(secretFile, check, createLogger(identity, logLevel));
    return secrets;
  } catch (error) {
    if (error instanceof SecretFileError) throw new UsageError('SecretFile', error.message);
    throw error;
  }
}

function needed<T>(value: T | undefined, name: string, option: string, what: string): T {
  if (value === undefined) throw new UsageError(name, `${option} is needed: ${what}.`);
  return value;
}
