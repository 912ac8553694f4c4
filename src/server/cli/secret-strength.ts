import { UsageError } from './usage-error.ts';

/** Marks a process started by a development cluster, whose supervisor has already checked the secret. */
export const DEV_VARIABLE = 'REJOIN_DEV';

/** The length of 128 bits in hexadecimal. */
const SHORTEST = 32;

/**
 * Returns the secret if it is strong enough for a cluster that others can reach. Only its length can be judged.
 * @throws {UsageError} WeakSecret
 */
export function strongSecret(secret: string): string {
  if (secret.trim().length >= SHORTEST) return secret;
  throw new UsageError(
    'WeakSecret',
    `The secret has fewer than ${SHORTEST} characters, so it can be guessed. Create one with "openssl rand -base64 32", and use it for every process of the cluster. Only "rejoin dev" on a loopback address accepts weak ones.`,
  );
}
