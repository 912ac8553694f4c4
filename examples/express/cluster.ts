import { readFileSync } from 'node:fs';

/** Where the demo tells its URL and secret. Seen from `dist`. */
const DEMO = new URL('../../../.rejoin/cluster.json', import.meta.url);

export interface Cluster {
  /** Of the balancer, or of a master. */
  readonly url: string;
  readonly secret: string;
}

/**
 * The cluster that `REJOIN_URL` and `REJOIN_SECRET` name, else the demo on this machine. Secrets are not taken from the command
 * line, where process lists show them.
 */
export function findCluster(): Cluster {
  const { REJOIN_URL: url, REJOIN_SECRET: secret } = process.env;
  if (url && secret) return { url, secret };
  try {
    return JSON.parse(readFileSync(DEMO, 'utf8'));
  } catch (cause) {
    throw new Error('No cluster found. Start "npm run demo" first, or set REJOIN_URL and REJOIN_SECRET.', { cause });
  }
}
