import { InvalidArgumentError, Option } from 'commander';
import type { StaticFiles } from '../balancer/static-files.ts';
import { WEBHOOK_DEFAULTS, type WebhookSettings } from '../master/webhooks/webhook-settings.ts';
import { DEFAULT_TIMING, type Timing } from '../shared/timing.ts';
import type { FailoverPolicy } from '../store/store.ts';
import type { BalancerFlags, TimingFlags, WebhookFlags } from './flags.ts';
import { UsageError } from './usage-error.ts';
import {
  readAddress,
  readAddressRange,
  readCount,
  readIceServers,
  readId,
  readLanAddresses,
  readMaster,
  readMilliseconds,
  readOrigin,
  readPlainUrl,
  readPort,
  readPortOfTwo,
  readPortRange,
  readPublicUrl,
  readQueueLength,
  readRoute,
  readSecret,
  readSocketOrigin,
  readStaticFiles,
  readStaticPolicy,
  readStore,
  readWebhook,
  readWebhookEvent,
  readWebhookHeader,
} from './values.ts';

/** The options of the commands. Each can also be given as `REJOIN_<NAME>` in the environment. */

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const FAILOVER_POLICIES: readonly FailoverPolicy[] = ['rebuild', 'takeover'];

/** @throws {UsageError} InvalidTiming */
export function timingOf({ beat, verdict, resumeGrace, ownerlessGrace }: TimingFlags): Timing {
  if (verdict <= beat) {
    throw new UsageError(
      'InvalidTiming',
      `With a verdict after ${verdict} ms, nodes that beat every ${beat} ms would count as dead. Give a larger --verdict or a smaller --beat.`,
    );
  }
  return {
    ...DEFAULT_TIMING,
    beatMs: beat,
    verdictMs: verdict,
    resumeGraceMs: resumeGrace,
    ownerlessGraceMs: ownerlessGrace,
  };
}

/** @throws {UsageError} InvalidStaticPolicy */
export function directoriesOf({ static: directories = [], staticPolicy = [] }: BalancerFlags): StaticFiles[] {
  for (const { prefix } of staticPolicy) {
    if (directories.some((files) => files.prefix === prefix)) continue;
    throw new UsageError('InvalidStaticPolicy', `No directory is served at ${prefix}. Add a --static for it.`);
  }
  return directories.map((files) => ({ ...files, ...staticPolicy.find(({ prefix }) => prefix === files.prefix) }));
}

/** `undefined` if webhooks are not configured. @throws {UsageError} WebhookMissing */
export function webhooksOf(flags: WebhookFlags): WebhookSettings | undefined {
  const { webhook, webhookHeader, webhookEvents, webhookSecret } = flags;
  if (!webhook) {
    if (!webhookHeader && !webhookEvents && webhookSecret === undefined) return undefined;
    throw new UsageError('WebhookMissing', 'Give --webhook: the URL to which events are sent.');
  }
  return {
    targets: [...new Set(webhook)],
    headers: webhookHeader ?? [],
    events: webhookEvents,
    secret: webhookSecret,
    tries: flags.webhookTries,
    timeoutMs: flags.webhookTimeout,
    deadlineMs: flags.webhookDeadline,
    queue: flags.webhookQueue,
  };
}

export const options = {
  id: (what: string) =>
    valued('--id <name>', `name of this ${what} in logs and metrics, the same after a restart`, readId),
  host: (address: string) => text('--host <address>', 'address to listen on').default(address),
  port: (port: number) => valued('--port <port>', 'port to listen on; 0: any free port', readPort).default(port),
  moreHosts: () => listed('--more-hosts <address...>', 'further addresses to listen on', readAddress),
  tlsCert: () => text('--tls-cert <file>', 'serve over TLS with this certificate, in PEM, followed by its issuers'),
  tlsKey: () => text('--tls-key <file>', 'the key of --tls-cert, in PEM'),
  trustedProxies: () =>
    listed(
      '--trusted-proxies <address...>',
      'addresses or ranges of proxies whose X-Forwarded-* headers are trusted (default: loopback)',
      readAddressRange,
    ),
  allowedOrigins: () =>
    listed('--allowed-origins <origin...>', 'origins whose pages may open sockets (default: any)', readSocketOrigin),
  corsOrigins: () =>
    listed('--cors-origins <origin...>', 'origins whose pages may use the REST API (default: none)', readOrigin),
  advertiseUrl: () =>
    valued(
      '--advertise-url <url>',
      'URL at which the other processes reach this one (default: its internal address and port)',
      readPlainUrl,
    ),
  internalHost: (what: string, address: string) =>
    text('--internal-host <address>', `address for ${what} (default: ${address})`),
  internalPort: (what: string) => valued('--internal-port <port>', `port for ${what} (default: --port + 1)`, readPort),
  store: () => valued('--store <location>', 'the shared store, sqlite:FILE', readStore),
  secret: () =>
    valued('--secret <text>', 'secret of the cluster; safer in a file, or in the environment as shown', readSecret),
  secretFile: () =>
    text('--secret-file <file>', 'file with the secret and, during a rotation, another one on a second line'),
  devSecret: () =>
    valued(
      '--secret <text>',
      'password of the REST API (default: MY_SECRET if only this machine can reach the cluster, else a new one at each start)',
      readSecret,
    ),
  logLevel: (level: string) =>
    named(new Option('--log-level <level>', 'lowest level of the JSON log lines').choices(LOG_LEVELS).default(level)),
  drainDeadline: () =>
    valued('--drain-deadline <ms>', 'how long an orderly end may take after SIGTERM', readMilliseconds).default(10_000),
  publicUrl: () =>
    valued(
      '--public-url <url>',
      "the balancer's URL for clients, with the path that a proxy strips; part of every token",
      readPublicUrl,
    ),
  devPublicUrl: () =>
    valued(
      '--public-url <url>',
      "the balancer's URL for browsers, with the path that a proxy strips (default: localhost)",
      readPublicUrl,
    ),
  lan: () =>
    valued(
      '--lan [addresses]',
      'also serve phones in the same network over HTTPS, at these addresses (default: the private ones of this machine)',
      readLanAddresses,
    ).preset('private'),
  lanPort: () =>
    valued(
      '--lan-port <port>',
      'port for phones; the next port serves a page that explains the certificate',
      readPortOfTwo,
    ).default(8443),
  failover: () =>
    named(
      new Option('--failover <policy>', "what happens to a session when its owner crashes; a session's own policy wins")
        .choices(FAILOVER_POLICIES)
        .default('rebuild'),
    ),
  iceServers: () =>
    valued(
      '--ice-servers <json>',
      'STUN and TURN servers for clients, an array of { urls, username, credential }',
      readIceServers,
    ),
  workers: () =>
    valued('--workers <count>', 'media workers (default: one per core, as far as the ports go)', readCount),
  rtcPorts: (min: number, max: number) =>
    valued('--rtc-ports <min-max>', 'UDP and TCP ports for media', readPortRange).default(
      { min, max },
      `${min}-${max}`,
    ),
  listenIp: () => text('--listen-ip <address>', 'address for media (default: every address of this machine)'),
  announcedAddress: () =>
    text('--announced-address <address>', 'address for media that clients are told, if it differs'),
  masters: () =>
    listed(
      '--master <url[=internal]...>',
      'a master and its internal URL (default: port + 1); repeat for each',
      readMaster,
    ),
  directories: () =>
    repeated('--static <dir...>', 'serve a directory at /, or elsewhere with PREFIX=DIR', readStaticFiles),
  staticPolicies: () =>
    lines(
      '--static-policy <prefix=policy...>',
      'the Content-Security-Policy of the pages at a prefix of --static; repeat for each',
      readStaticPolicy,
    ),
  routes: () => listed('--route <prefix=url...>', 'forward the paths below a prefix to another server', readRoute),
  requestTimeout: () =>
    valued('--request-timeout <ms>', 'how long a master may take to answer before a 504', readMilliseconds).default(
      10_000,
    ),
  mastersCount: () => valued('--masters <count>', 'number of masters', readCount).default(2),
  mediaNodesCount: () =>
    valued('--media-nodes <count>', 'number of media nodes, with one worker each', readCount).default(2),
  stateDir: () => text('--state-dir <dir>', 'directory for cluster.json, the store and the logs').default('.rejoin'),
  json: () => named(new Option('--json', 'print JSON lines instead of text')),
  webhooks: (): Option[] => [
    listed('--webhook <url...>', 'send events to this URL; repeat for each', readWebhook),
    lines(
      '--webhook-header <header...>',
      'header sent with each event, "NAME: VALUE"; repeat for each',
      readWebhookHeader,
    ),
    listed('--webhook-events <name...>', 'the events to send (default: all)', readWebhookEvent),
    valued('--webhook-secret <text>', 'sign each event with this secret', readSecret),
    valued('--webhook-tries <count>', 'how often an event is sent before it is dropped', readCount).default(
      WEBHOOK_DEFAULTS.tries,
    ),
    valued('--webhook-timeout <ms>', 'how long a receiver may take to answer', readMilliseconds).default(
      WEBHOOK_DEFAULTS.timeoutMs,
    ),
    valued('--webhook-deadline <ms>', 'how long an event is tried before it is dropped', readMilliseconds).default(
      WEBHOOK_DEFAULTS.deadlineMs,
    ),
    valued('--webhook-queue <count>', 'how many events may wait for one URL', readQueueLength).default(
      WEBHOOK_DEFAULTS.queue,
    ),
  ],
  timing: (): Option[] => [
    valued('--beat <ms>', 'interval between signs of life of a node', readMilliseconds).default(DEFAULT_TIMING.beatMs),
    valued('--verdict <ms>', 'silence after which a node counts as dead', readMilliseconds).default(
      DEFAULT_TIMING.verdictMs,
    ),
    valued('--resume-grace <ms>', 'how long an absent client may resume its connection', readMilliseconds).default(
      DEFAULT_TIMING.resumeGraceMs,
    ),
    valued(
      '--ownerless-grace <ms>',
      'how long the media of a session without an owner flows on',
      readMilliseconds,
    ).default(DEFAULT_TIMING.ownerlessGraceMs),
  ],
};

function text(flags: string, description: string): Option {
  return named(new Option(flags, description));
}

function valued<T>(flags: string, description: string, read: (text: string) => T): Option {
  return text(flags, description).argParser((given) => reading(read, given));
}

function repeated<T>(flags: string, description: string, read: (text: string) => T): Option {
  return text(flags, description).argParser((given, before: readonly T[] | undefined) => [
    ...(before ?? []),
    reading(read, given),
  ]);
}

/** An option that can be repeated on the command line, or given with several values separated by commas. */
function listed<T>(flags: string, description: string, read: (text: string) => T): Option {
  return text(flags, description).argParser((given, before: readonly T[] | undefined) => [
    ...(before ?? []),
    ...given.split(',').map((part) => reading(read, part.trim())),
  ]);
}

/** An option that can be repeated on the command line, or given with one value per line. */
function lines<T>(flags: string, description: string, read: (text: string) => T): Option {
  return text(flags, description).argParser((given, before: readonly T[] | undefined) => [
    ...(before ?? []),
    ...given.split('\n').map((line) => reading(read, line)),
  ]);
}

function reading<T>(read: (text: string) => T, given: string): T {
  try {
    return read(given);
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(`${error.name}: ${error.message}`);
    throw error;
  }
}

function named(option: Option): Option {
  return option.env(`REJOIN_${option.name().toUpperCase().replaceAll('-', '_')}`);
}
