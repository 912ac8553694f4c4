import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomText } from '../../protocol/ids.ts';

declare const brand: unique symbol;

/** The stable name of a node, e.g. `master-1`, for people. */
export type NodeId = string & { readonly [brand]: 'NodeId' };
/** A run of a node's process, `<node id>@<random>`. Leases, ownership and fencing name it. A restart gets another. */
export type InstanceId = string & { readonly [brand]: 'InstanceId' };
/** A cluster, by the random name that its store got at creation. */
export type ClusterId = string & { readonly [brand]: 'ClusterId' };
export type NodeRole = 'master' | 'media-node' | 'balancer';

export interface Identity {
  readonly id: NodeId;
  readonly instance: InstanceId;
  readonly role: NodeRole;
  /** URL at which other processes reach this one: its internal port, e.g. `http://10.0.0.4:4001`. */
  readonly url: string;
  /** The cluster whose store this process uses. The balancer has none. */
  readonly cluster?: ClusterId | undefined;
}

export function newIdentity(role: NodeRole, id: string, url: string, cluster?: ClusterId): Identity {
  return { id: id as NodeId, instance: `${id}@${randomText(6)}` as InstanceId, role, url, cluster };
}

export function nodeIdOf(instance: InstanceId): NodeId {
  return instance.slice(0, instance.lastIndexOf('@')) as NodeId;
}

/** The key with which processes of a cluster sign their calls. Neither the key nor the secret is ever sent. */
export function internalKey(secret: string): string {
  return createHmac('sha256', secret).update('rejoin internal').digest('base64url');
}

/** Compares secrets in constant time. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
