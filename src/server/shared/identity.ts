import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomText } from '../../protocol/ids.ts';

declare const brand: unique symbol;

/** The stable name of a node, e.g. `master-1`: what people see. */
export type NodeId = string & { readonly [brand]: 'NodeId' };
/** One run of a node's process, `<node id>@<random>`: what leases, ownership and fencing name. A restart is another. */
export type InstanceId = string & { readonly [brand]: 'InstanceId' };
/** One cluster: the random name that its store was given when it was made. */
export type ClusterId = string & { readonly [brand]: 'ClusterId' };
export type NodeRole = 'master' | 'media-node' | 'balancer';

export interface Identity {
  readonly id: NodeId;
  readonly instance: InstanceId;
  readonly role: NodeRole;
  /** Where the other processes reach this one: its internal port, e.g. `http://10.0.0.4:4001`. */
  readonly url: string;
  /** The cluster whose store this process uses; the balancer uses no store. */
  readonly cluster?: ClusterId | undefined;
}

export function newIdentity(role: NodeRole, id: string, url: string, cluster?: ClusterId): Identity {
  return { id: id as NodeId, instance: `${id}@${randomText(6)}` as InstanceId, role, url, cluster };
}

export function nodeIdOf(instance: InstanceId): NodeId {
  return instance.slice(0, instance.lastIndexOf('@')) as NodeId;
}

/** The key with which the processes of one cluster sign their calls. It never travels, nor does the secret. */
export function internalKey(secret: string): string {
  return createHmac('sha256', secret).update('rejoin internal').digest('base64url');
}

/** Compares secrets in a time that tells nothing about where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
