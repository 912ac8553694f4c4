import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { NodeRole } from '../shared/identity.ts';

/** A process of the cluster that is ready. */
export interface ClusterNode {
  readonly id: string;
  readonly role: NodeRole;
  readonly pid: number;
  readonly url: string;
  /** Where the other processes reach it, and where its metrics are. */
  readonly internalUrl: string;
}

/** Where phones in the same network find the demo. */
export interface LanUrls {
  /** They explain the certificate and lead to the page, each at one address. */
  readonly guides: readonly string[];
  readonly pages: readonly string[];
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
}

/** What `cluster.json` holds, for programs that want to find, watch or harm a running cluster. */
export interface ClusterFileContent {
  /** Where clients reach the balancer. */
  readonly url: string;
  readonly secret: string;
  /** Where phones reach it, if they do. */
  readonly lan?: LanUrls | undefined;
  /** The processes that are ready now: one that ended is missing until it has started again. */
  readonly nodes: readonly ClusterNode[];
}

/** Readers never see half a file. It holds the secret, so it is for the user's eyes only. */
export function writeClusterFile(path: string, content: ClusterFileContent): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** `undefined` when there is no such file, or none that can be read. */
export function readClusterFile(path: string): ClusterFileContent | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ClusterFileContent;
  } catch {
    return undefined;
  }
}

export function removeClusterFile(path: string): void {
  rmSync(path, { force: true });
}
