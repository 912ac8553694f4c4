import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { newIdentity } from '../shared/identity.ts';
import { createLogger } from '../shared/logging.ts';
import { isLoopback } from '../shared/own-addresses.ts';
import { SecretFileError, Secrets } from '../shared/secrets.ts';
import type { DevFlags, ProcessFlags } from './flags.ts';
import { DEV_VARIABLE, strongSecret } from './secret-strength.ts';
import { needed, UsageError } from './usage-error.ts';
import { readSecret } from './values.ts';

/** A well-known secret is only acceptable if no other machine can reach the cluster. */
export function devSecretOf({ secret, host, publicUrl, lan }: DevFlags): string {
  const alone =
    lan === undefined && isLoopback(host) && (publicUrl === undefined || isLoopback(new URL(publicUrl).hostname));
  if (alone) return secret ?? 'MY_SECRET';
  return secret === undefined ? randomBytes(32).toString('base64url') : strongSecret(secret);
}

/** @throws {UsageError} SecretMissing, SecretTwice, WeakSecret, or SecretFile when the file is unusable */
export function secretsOf(role: string, flags: ProcessFlags): Secrets {
  const { secret, secretFile, logLevel, host, internalHost = host } = flags;
  const supervised = process.env[DEV_VARIABLE] === '1' && isLoopback(host) && isLoopback(internalHost);
  const check = supervised ? readSecret : strongSecret;
  if (secretFile === undefined) {
    const what = 'a file with the secret of the cluster; or set REJOIN_SECRET';
    return Secrets.of(check(needed(secret, 'SecretMissing', '--secret-file', what)));
  }
  if (secret !== undefined)
    throw new UsageError('SecretTwice', 'There are two secrets. Give either --secret-file or --secret.');
  try {
    const secrets = Secrets.fromFile(secretFile, check);
    const identity = newIdentity(role === 'balancer' ? 'balancer' : 'master', idOf(role, flags), '');
    secrets.follow(secretFile, check, createLogger(identity, logLevel));
    return secrets;
  } catch (error) {
    if (error instanceof SecretFileError) throw new UsageError('SecretFile', error.message);
    throw error;
  }
}

/** The default name includes the port, which differs between processes of one role on a machine. */
export function idOf(role: string, { id, port }: ProcessFlags): string {
  return id ?? `${role}-${hostname().replace(/[^a-zA-Z0-9_.-]/g, '-')}-${port}`;
}
