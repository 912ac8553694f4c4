import type { Route } from '../balancer/http-proxy.ts';
import type { StaticFiles } from '../balancer/static-files.ts';
import type { FailoverPolicy } from '../store/store.ts';
import type { PortRange, StoreLocation } from './values.ts';

/** What the options of each command have become, after reading and with defaults. */

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
  readonly secret?: string;
  readonly logLevel: string;
  readonly drainDeadline: number;
}

export interface NodeFlags extends ProcessFlags {
  readonly advertiseUrl?: string;
  readonly store?: StoreLocation;
}

export interface MasterFlags extends NodeFlags {
  readonly publicUrl?: string;
  readonly failover: FailoverPolicy;
}

export interface MediaNodeFlags extends NodeFlags {
  readonly workers?: number;
  readonly rtcPorts: PortRange;
  readonly listenIp: string;
  readonly announcedAddress?: string;
}

export interface BalancerFlags extends ProcessFlags {
  readonly master?: readonly string[];
  readonly static?: readonly StaticFiles[];
  readonly route?: readonly Route[];
  readonly requestTimeout: number;
}

export interface DevFlags extends TimingFlags {
  readonly host: string;
  readonly port: number;
  readonly publicUrl?: string;
  readonly secret: string;
  readonly masters: number;
  readonly mediaNodes: number;
  readonly failover: FailoverPolicy;
  readonly rtcPorts: PortRange;
  readonly listenIp: string;
  readonly announcedAddress?: string;
  readonly stateDir: string;
  readonly logLevel: string;
  readonly json?: true;
}
