import { createHash } from 'node:crypto';
import { sameSecret } from '../../shared/identity.ts';
import type { JoinedRecord } from '../../store/store.ts';

/**
 * Every welcome hands out a new resume key, so that a stolen key soon becomes useless. A welcome may get lost, though, so the former
 * key stays valid until a frame arrives from the client under a new one.
 *
 * | the client shows                  | keys accepted afterwards                              |
 * |---|---|
 * | the present key, in a hello       | this key and all keys handed out since                |
 * | a key handed out since, in a hello | this key and the one in the welcome that follows      |
 * | any frame after a welcome         | only the key of that welcome                          |
 */
type Keys = Pick<JoinedRecord, 'resumeKeyHash' | 'nextKeyHashes' | 'joinKey'>;

/**
 * How many unproven keys are accepted at a time. There can be several: two sockets of a client may be welcomed almost at once, and the
 * client has read only one of the welcomes.
 */
const MOST_UNPROVEN = 3;

/** The store keeps this hash instead of the resume key. */
export function hashResumeKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

export function acceptsKey(keys: Keys, key: string): boolean {
  const hash = hashResumeKey(key);
  return [keys.resumeKeyHash, ...(keys.nextKeyHashes ?? [])].some((known) => sameSecret(hash, known));
}

/**
 * The record after `next` is handed out to a client that has shown the key with the hash `shown`; `undefined`: its join key.
 * Returns `undefined` if `shown` is no longer accepted.
 */
export function withNextKey<K extends Keys>(keys: K, shown: string | undefined, next: string): K | undefined {
  const { resumeKeyHash, nextKeyHashes = [] } = keys;
  if (shown === undefined || shown === resumeKeyHash) {
    return { ...keys, nextKeyHashes: [...nextKeyHashes, next].slice(-MOST_UNPROVEN) };
  }
  return nextKeyHashes.includes(shown) ? { ...withOnlyKey(keys, shown), nextKeyHashes: [next] } : undefined;
}

/** The record after the client has proven this key. The join key is no longer needed then, either. */
export function withOnlyKey<K extends Keys>(keys: K, hash: string): K {
  const { nextKeyHashes: _next, joinKey: _join, ...rest } = keys;
  return { ...rest, resumeKeyHash: hash } as K;
}

/** Whether the record accepts only this key. */
export function hasOnlyKey(keys: Keys, hash: string): boolean {
  return keys.resumeKeyHash === hash && keys.nextKeyHashes === undefined && keys.joinKey === undefined;
}

export function sameKeys(one: Keys, other: Keys): boolean {
  const text = ({ resumeKeyHash, nextKeyHashes, joinKey }: Keys): string =>
    JSON.stringify([resumeKeyHash, nextKeyHashes, joinKey]);
  return text(one) === text(other);
}
