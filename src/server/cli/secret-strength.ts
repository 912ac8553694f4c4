import { UsageError } from './usage-error.ts';

/** Marks a process that a development cluster has started: its supervisor has decided about the secret for all of them. */
export const DEV_VARIABLE = 'REJOIN_DEV';

/** As long as 128 bits are in hexadecimal. */
const SHORTEST = 32;

/**
 * The secret, if it may guard a cluster that others reach. Its length is all that can be judged.
 * @throws {UsageError} WeakSecret
 */
export function strongSecret(secret: string): string {
  if (secret.trim().length >= SHORTEST) return secret;
  throw new UsageError(
    'WeakSecret',
    `The secret has fewer than ${SHORTEST} characters, so it can be guessed: make one with "openssl rand -base64 32", the same for every process of the cluster. Only "rejoin dev" on a loopback address goes without.`,
  );
}
