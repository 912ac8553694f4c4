import type { IceServer } from '../../protocol/frames.ts';
import type { MasterAddress } from '../balancer/balancer.ts';
import type { Route } from '../balancer/http-proxy.ts';
import type { StaticFiles } from '../balancer/static-files.ts';
import type { WebhookEventName } from '../master/webhooks/webhook-events.ts';
import type { WebhookHeader } from '../master/webhooks/webhook-settings.ts';
import type { FailoverPolicy } from '../store/store.ts';
import type { LanAddresses, PortRange, StaticPolicy, StoreLocation } from './values.ts';

/** The parsed options of each command, including defaults. */

export interface TimingFlags {
  readonly beat: number;
  readonly verdict: number;
  readonly resumeGrace: number;
  readonly ownerlessGrace: number;
}

export interface ProcessFlags extends TimingFlags {
  readonly id?: string;
  readonly host: string;
  readonly port: number;
  readonly internalHost?: string;
  readonly internalPort?: number;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly logLevel: string;
  readonly drainDeadline: number;
}

export interface NodeFlags extends ProcessFlags {
  readonly advertiseUrl?: string;
  readonly store?: StoreLocation;
}

export interface WebhookFlags {
  readonly webhook?: readonly string[];
  readonly webhookHeader?: readonly WebhookHeader[];
  readonly webhookEvents?: readonly WebhookEventName[];
  readonly webhookSecret?: string;
  readonly webhookTries: number;
  readonly webhookTimeout: number;
  readonly webhookDeadline: number;
  readonly webhookQueue: number;
}

export interface MasterFlags extends NodeFlags, WebhookFlags {
  readonly trustedProxies?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly corsOrigins?: readonly string[];
  readonly publicUrl?: string;
  readonly failover: FailoverPolicy;
  readonly iceServers?: readonly IceServer[];
}

export interface MediaNodeFlags extends NodeFlags {
  readonly workers?: number;
  readonly rtcPorts: PortRange;
  readonly listenIp?: string;
  readonly announcedAddress?: string;
}

export interface BalancerFlags extends ProcessFlags {
  readonly moreHosts?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trustedProxies?: readonly string[];
  readonly corsOrigins?: readonly string[];
  readonly master?: readonly MasterAddress[];
  readonly static?: readonly StaticFiles[];
  readonly staticPolicy?: readonly StaticPolicy[];
  readonly route?: readonly Route[];
  readonly requestTimeout: number;
}

export interface DevFlags extends TimingFlags, WebhookFlags {
  readonly host: string;
  readonly port: number;
  readonly publicUrl?: string;
  readonly lan?: LanAddresses;
  readonly lanPort: number;
  readonly secret?: string;
  readonly masters: number;
  readonly mediaNodes: number;
  readonly failover: FailoverPolicy;
  readonly iceServers?: readonly IceServer[];
  readonly rtcPorts: PortRange;
  readonly listenIp?: string;
  readonly announcedAddress?: string;
  readonly corsOrigins?: readonly string[];
  readonly stateDir: string;
  readonly logLevel: string;
  readonly json?: true;
}
