import { createHash } from 'node:crypto';
import { sameSecret } from '../../shared/identity.ts';
import type { JoinedRecord } from '../../store/store.ts';

/**
 * Every welcome hands out a new resume key, so that one that was stolen is soon worth nothing. A welcome may be lost on its way,
 * though: until a frame comes from the client under a new key, the one before it is accepted, too.
 *
 * | the client shows            | accepted after that                              |
 * |---|---|
 * | the present key, in a hello | it, and the keys that were handed out since      |
 * | a key handed out since      | this key and the one of the welcome that follows |
 * | a frame under a key         | this key alone                                   |
 */
type Keys = Pick<JoinedRecord, 'resumeKeyHash' | 'nextKeyHashes' | 'joinKey'>;

/**
 * So many keys that were handed out may be unproven at a time. More than one, as two sockets of a client can be welcomed at almost the
 * same moment, and the client has read only one of the welcomes.
 */
const MOST_UNPROVEN = 3;

/** The store keeps this hash of a resume key, and not the key. */
export function hashResumeKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

export function acceptsKey(keys: Keys, key: string): boolean {
  const hash = hashResumeKey(key);
  return [keys.resumeKeyHash, ...(keys.nextKeyHashes ?? [])].some((known) => sameSecret(hash, known));
}

/**
 * The record once `next` is handed out to a client that has shown the key `shown`, or, if it has shown none, its join key.
 * `undefined` when `shown` is not accepted any more.
 */
export function withNextKey<K extends Keys>(keys: K, shown: string | undefined, next: string): K | undefined {
  const { resumeKeyHash, nextKeyHashes = [] } = keys;
  if (shown === undefined || shown === resumeKeyHash) {
    return { ...keys, nextKeyHashes: [...nextKeyHashes, next].slice(-MOST_UNPROVEN) };
  }
  return nextKeyHashes.includes(shown) ? { ...withOnlyKey(keys, shown), nextKeyHashes: [next] } : undefined;
}

/** The record once the client has proven that it has this key. Its join key has done its work then, too. */
export function withOnlyKey<K extends Keys>(keys: K, hash: string): K {
  const { nextKeyHashes: _next, joinKey: _join, ...rest } = keys;
  return { ...rest, resumeKeyHash: hash } as K;
}

/** Whether the record accepts no other keys than this one. */
export function hasOnlyKey(keys: Keys, hash: string): boolean {
  return keys.resumeKeyHash === hash && keys.nextKeyHashes === undefined && keys.joinKey === undefined;
}

export function sameKeys(one: Keys, other: Keys): boolean {
  const text = ({ resumeKeyHash, nextKeyHashes, joinKey }: Keys): string =>
    JSON.stringify([resumeKeyHash, nextKeyHashes, joinKey]);
  return text(one) === text(other);
}
