import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { NodeRole } from '../shared/identity.ts';

/** A process of the cluster that is ready. */
export interface ClusterNode {
  readonly id: string;
  readonly role: NodeRole;
  readonly pid: number;
  readonly url: string;
  /** Where the other processes reach it; also serves its metrics. */
  readonly internalUrl: string;
}

/** URLs at which phones in the same network find the demo. */
export interface LanUrls {
  /** Pages that explain the certificate and lead to the demo page, one per address. */
  readonly guides: readonly string[];
  readonly pages: readonly string[];
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
}

/** The content of `cluster.json`, for programs that find, watch or kill the processes of a running cluster. */
export interface ClusterFileContent {
  /** The balancer's URL for clients. */
  readonly url: string;
  readonly secret: string;
  /** URLs for phones, if they are served. */
  readonly lan?: LanUrls | undefined;
  /** The processes that are ready now. One that has ended is missing until its restart is complete. */
  readonly nodes: readonly ClusterNode[];
}

/** Writes atomically, so that readers never see half a file. Only this user may read it, because it contains the secret. */
export function writeClusterFile(path: string, content: ClusterFileContent): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** `undefined` if the file doesn't exist or can't be parsed. */
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
