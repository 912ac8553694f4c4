import type { IceServer } from '../../protocol/frames.ts';
import type { StaticFiles } from '../balancer/static-files.ts';
import type { WebhookSettings } from '../master/webhooks/webhook-settings.ts';
import type { NodeRole } from '../shared/identity.ts';
import { isEverywhere, ownAddresses } from '../shared/own-addresses.ts';
import type { Timing } from '../shared/timing.ts';
import type { FailoverPolicy } from '../store/store.ts';
import { ClusterError } from './cluster-error.ts';
import type { Lan, LanOptions } from './lan/lan.ts';
import { freePorts } from './ports.ts';

/** Options of a development cluster; all have defaults. */
export interface ClusterOptions {
  /** Address of the balancer. Default: 127.0.0.1, where all other nodes listen in any case. */
  readonly host?: string;
  /** Port of the balancer. Default: 0, any free port. */
  readonly port?: number;
  /** The balancer's URL for clients, part of tokens. Default: localhost, or `host` if it is a specific address. */
  readonly publicUrl?: string | undefined;
  /** Serves phones in the same network over HTTPS. Default: phones can't reach the cluster. */
  readonly lan?: LanOptions | undefined;
  /** Default: MY_SECRET. */
  readonly secret?: string;
  /** Default: 2. */
  readonly masters?: number;
  /** Default: 2, with one worker each. */
  readonly mediaNodes?: number;
  /** Default: rebuild. */
  readonly failover?: FailoverPolicy;
  /** Origins whose pages may use the REST API. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** STUN and TURN servers for clients whose connection names none of its own. Default: none. */
  readonly iceServers?: readonly IceServer[];
  /** Divided among the media nodes. Default: 40000 to 40100. */
  readonly rtcPorts?: { readonly min: number; readonly max: number };
  /** Address for media. Default: every address of this machine, because Firefox sends no media over loopback. */
  readonly listenIp?: string;
  readonly announcedAddress?: string | undefined;
  /** Default: `.rejoin` in the current directory. */
  readonly stateDir?: string;
  /** The directories that the balancer serves. Default: none. */
  readonly directories?: readonly StaticFiles[];
  /** Log level of the nodes. Default: info. */
  readonly logLevel?: string;
  readonly timing?: Partial<ClusterTiming>;
  /** Where and how the masters send webhooks. Default: no webhooks. */
  readonly webhooks?: Pick<WebhookSettings, 'targets'> & Partial<WebhookSettings>;
  /**
   * The URL at which other nodes and clients should reach a port of a node, e.g. of a proxy in front of it. Called once for each port that
   * others use. Default: the URL at which the node listens.
   */
  readonly reachedAt?: (port: NodePort) => Promise<string>;
  /** How long nodes may take to end when the cluster closes, ms. Default: 3000. */
  readonly stopMs?: number;
  /** The shortest delay before a node is restarted, ms. Default: 0. */
  readonly restartMs?: number;
}

/** The times that can be set by options. */
export type ClusterTiming = Pick<Timing, 'beatMs' | 'verdictMs' | 'resumeGraceMs' | 'ownerlessGraceMs'>;

/** A port of a node: public, for clients and balancers, or internal, for the other processes of the cluster. */
export interface NodePort {
  readonly id: string;
  readonly role: NodeRole;
  readonly port: 'public' | 'internal';
  readonly url: string;
}

/** A node that has not been started. */
export interface PlannedNode {
  readonly id: string;
  readonly role: NodeRole;
  readonly url: string;
  readonly internalUrl: string;
  /** For a balancer: the URLs at which its pages open sockets. */
  readonly socketsAt?: readonly string[];
  /** The command line. */
  readonly args: readonly string[];
}

export interface ClusterPlan {
  /** The balancer's URL on this machine. */
  readonly balancerUrl: string;
  readonly publicUrl: string;
  /** Port of the demo's application server on 127.0.0.1. */
  readonly demoPort: number;
  /** Port of the same server for phones. */
  readonly guestPort: number;
  readonly nodes: readonly PlannedNode[];
}

const INNER_HOST = '127.0.0.1';

/** Assigns every node its name, ports and command line. A restart doesn't change them. */
export async function planCluster(
  options: Omit<ClusterOptions, 'lan'> & {
    readonly storeFile: string;
    readonly timing: ClusterTiming;
    readonly lan: Lan | undefined;
  },
): Promise<ClusterPlan> {
  const { host = INNER_HOST, masters = 2, mediaNodes = 2, failover = 'rebuild', logLevel = 'info' } = options;
  const port = options.port || (await freePorts(host, 1))[0] || 0;
  const ranges = share(options.rtcPorts ?? { min: 40_000, max: 40_100 }, mediaNodes);
  // Each node gets a public and an internal port. The balancers' public ports are already chosen.
  const [demoPort = 0, guestPort = 0, balancerInternal = 0, guestInternal = 0, ...ports] = await freePorts(
    INNER_HOST,
    4 + 2 * (masters + mediaNodes),
  );
  const particular = host !== '0.0.0.0' && host !== '::' && host !== INNER_HOST;
  const balancerUrl = `http://${bracketed(particular ? host : INNER_HOST)}:${port}`;
  const reachedAt = options.reachedAt ?? (async ({ url }) => url);
  const ownUrl = options.publicUrl ?? `http://${particular ? bracketed(host) : 'localhost'}:${port}`;
  const publicUrl = await reachedAt({ id: 'balancer-1', role: 'balancer', port: 'public', url: ownUrl });

  const { beatMs, verdictMs, resumeGraceMs, ownerlessGraceMs } = options.timing;
  const common = ['--log-level', logLevel, '--beat', beatMs, '--verdict', verdictMs];
  common.push('--resume-grace', resumeGraceMs, '--ownerless-grace', ownerlessGraceMs);
  const node = (
    role: NodeRole,
    number: number,
    { url, internalPort }: { url: string; internalPort: number },
    own: readonly (string | number)[],
  ): PlannedNode => {
    const id = `${role === 'media-node' ? 'media' : role}-${number}`;
    const listening = ['--internal-host', INNER_HOST, '--internal-port', internalPort];
    const args = [role, '--id', id, ...common, ...listening, ...own].map(String);
    return { id, role, url, internalUrl: `http://${INNER_HOST}:${internalPort}`, args };
  };
  const inner = (role: NodeRole, number: number, at: number, own: readonly (string | number)[]): PlannedNode => {
    const [port = 0, internalPort = 0] = ports.slice(2 * at, 2 * at + 2);
    const listening = ['--host', INNER_HOST, '--port', port, '--store', `sqlite:${options.storeFile}`];
    return node(role, number, { url: `http://${INNER_HOST}:${port}`, internalPort }, [...listening, ...own]);
  };
  const reached = async (planned: PlannedNode): Promise<{ node: PlannedNode; internal: string }> => {
    const { id, role, internalUrl: url } = planned;
    const internal = await reachedAt({ id, role, port: 'internal', url });
    return { node: { ...planned, args: [...planned.args, '--advertise-url', internal] }, internal };
  };

  const corsArgs = (options.corsOrigins ?? []).flatMap((origin) => ['--cors-origins', origin]);
  const originArgs = options.lan
    ? pageOrigins(host, port, [publicUrl, ...options.lan.origins, ...(options.corsOrigins ?? [])])
    : [];
  const masterArgs = [...corsArgs, ...originArgs, '--public-url', publicUrl, '--failover', failover];
  const masterNodes = await Promise.all(
    Array.from({ length: masters }, async (_, index) => {
      const { node: planned, internal } = await reached(inner('master', index + 1, index, masterArgs));
      const { id, role, url } = planned;
      return { node: planned, pair: `${await reachedAt({ id, role, port: 'public', url })}=${internal}` };
    }),
  );
  const mediaArgs: (string | number)[] = ['--workers', 1];
  if (options.listenIp) mediaArgs.push('--listen-ip', options.listenIp);
  if (options.announcedAddress) mediaArgs.push('--announced-address', options.announcedAddress);
  const mediaNodeNodes = await Promise.all(
    Array.from({ length: mediaNodes }, (_, index) => {
      const { min, max } = ranges[index] ?? { min: 0, max: 0 };
      return reached(inner('media-node', index + 1, masters + index, [...mediaArgs, '--rtc-ports', `${min}-${max}`]));
    }),
  );
  const balancerArgs = [
    ...corsArgs,
    ...masterNodes.flatMap(({ pair }) => ['--master', pair]),
    ...(options.directories ?? []).flatMap(({ prefix, directory }) => ['--static', `${prefix}=${directory}`]),
  ];
  const balancer = node('balancer', 1, { url: balancerUrl, internalPort: balancerInternal }, [
    ...['--host', host, '--port', port, '--route', `/demo/api=http://${INNER_HOST}:${demoPort}`],
    ...balancerArgs,
  ]);
  const { lan } = options;
  const forPhones = lan && [
    {
      ...node('balancer', 2, { url: lan.origins[0] ?? '', internalPort: guestInternal }, [
        ...lanArgs(lan),
        ...['--route', `/demo/api=http://${INNER_HOST}:${guestPort}`],
        ...balancerArgs,
      ]),
      socketsAt: lan.origins,
    },
  ];
  return {
    balancerUrl,
    publicUrl,
    demoPort,
    guestPort,
    nodes: [
      ...[...mediaNodeNodes, ...masterNodes].map((one) => one.node),
      { ...balancer, socketsAt: [publicUrl] },
      ...(forPhones ?? []),
    ],
  };
}

/** Options of the balancer for phones. */
function lanArgs({ addresses, port, certificate }: Lan): (string | number)[] {
  const [host = '', ...more] = addresses;
  return [
    ...['--host', host, '--port', port, ...more.flatMap((address) => ['--more-hosts', address])],
    ...['--tls-cert', certificate.certFile, '--tls-key', certificate.keyFile],
  ];
}

/** When phones can reach the cluster, only its own pages may open sockets. */
function pageOrigins(host: string, port: number, origins: readonly string[]): string[] {
  const hosts = isEverywhere(host) ? [INNER_HOST, '::1', 'localhost', ...ownAddresses()] : [host, 'localhost'];
  const here = hosts.map((one) => `http://${bracketed(one)}:${port}`);
  const all = [...here, ...origins].map((origin) => new URL(origin).origin);
  return [...new Set(all)].flatMap((origin) => ['--allowed-origins', origin]);
}

/** Splits a range of ports into equal consecutive parts. @throws {ClusterError} NoFreePort */
function share({ min, max }: { min: number; max: number }, parts: number): { min: number; max: number }[] {
  const size = Math.floor((max - min + 1) / parts);
  if (size < 1) {
    throw new ClusterError(
      'NoFreePort',
      `The ports ${min}-${max} are too few for ${parts} media nodes. Give a larger range.`,
    );
  }
  return Array.from({ length: parts }, (_, index) => ({ min: min + index * size, max: min + (index + 1) * size - 1 }));
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
