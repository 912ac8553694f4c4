import { enableCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import { mediaAddressOf, reachableAddress } from './cli/addresses.ts';
import type { BalancerFlags, DevFlags, MasterFlags, MediaNodeFlags, NodeFlags } from './cli/flags.ts';
import { createStore, openStore } from './cli/open-store.ts';
import { directoriesOf, options, timingOf, webhooksOf } from './cli/options.ts';
import { live } from './cli/process-life.ts';
import { reportFailure, USAGE } from './cli/report.ts';
import { devSecretOf, idOf, secretsOf } from './cli/secrets-of.ts';
import { tlsOf } from './cli/tls-files.ts';
import { needed, UsageError } from './cli/usage-error.ts';
import { internalPortOf, type StoreLocation } from './cli/values.ts';
import type { RequestDrain } from './shared/drain-route.ts';
import { isEverywhere } from './shared/own-addresses.ts';
import { VERSION } from './shared/version.ts';

/** The command line. Each command loads only its own code, so that e.g. the balancer doesn't need the media library. */

const OTHERS = 'the other processes and for metrics';
const ROOT = join(import.meta.dirname, '..', '..');

// Other users of the machine must not read stores and logs.
process.umask(0o077);

// Shortens the restart of a crashed node by a third.
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
  options.lan(),
  options.lanPort(),
  options.devSecret(),
  options.mastersCount(),
  options.mediaNodesCount(),
  options.failover(),
  options.iceServers(),
  options.rtcPorts(40_000, 40_100),
  options.listenIp(),
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
  const checked = {
    ...flags,
    json: flags.json ?? false,
    secret: devSecretOf(flags),
    lan: flags.lan && { addresses: flags.lan, port: flags.lanPort },
    timing: timingOf(flags),
  };
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
  const publicUrl = needed(flags.publicUrl, 'PublicUrlMissing', '--public-url', "the balancer's URL for clients");
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
  options.listenIp(),
  options.announcedAddress(),
]).action(async (flags: MediaNodeFlags) => {
  const common = nodeSettings('media-node', flags);
  const { rtcPorts } = flags;
  const ports = rtcPorts.max - rtcPorts.min + 1;
  const workers = flags.workers ?? Math.min(availableParallelism(), ports);
  if (ports < workers) {
    throw new UsageError('RtcPortsTooFew', `${workers} workers need a port each. Give a larger --rtc-ports.`);
  }
  const media = mediaAddressOf(flags);
  const { startMediaNode } = await import('./media-node/media-node.ts');
  const store = storeOf(flags);
  const start = async (drainRequested: RequestDrain) =>
    startMediaNode({
      ...common,
      drainRequested,
      store: await openStore(store),
      workers,
      rtcPorts,
      ...media,
    });
  await live(start, flags.drainDeadline);
});

command('balancer', 'Run the bundled balancer in front of the masters.', [
  ...processOptions('balancer', 8080),
  options.moreHosts(),
  options.tlsCert(),
  options.tlsKey(),
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
  const tls = tlsOf(flags);
  const masters = needed(flags.master, 'MasterMissing', '--master', 'the URL of a master; repeat it for each');
  const { startBalancer } = await import('./balancer/balancer.ts');
  const start = () =>
    startBalancer({
      id: idOf('balancer', flags),
      host,
      moreHosts: flags.moreHosts,
      port,
      tls,
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

command('create-store', 'Create the store of a new cluster, once. Masters and media nodes only open an existing one.', [
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
  return made.addHelpText('after', '\nEach option can also be given as the environment variable shown.');
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

/** The common settings of masters and media nodes. */
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
    'the location of the shared store, e.g. sqlite:/var/lib/rejoin/store.sqlite',
  );
}

/** By default, the internal port is open only at the address that other nodes are told. */
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
      'With port 0 on every address, give --advertise-url, or --internal-host with a single address.',
    );
  }
  return { internalHost, advertisedUrl: `http://${reachableAddress(internalHost, '--advertise-url')}:${internalPort}` };
}
