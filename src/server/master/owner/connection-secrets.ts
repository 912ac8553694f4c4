import { createHash, randomBytes } from 'node:crypto';
import type { ConnectionId, TokenId } from '../../../protocol/ids.ts';
import { derivedText } from '../../shared/derived-text.ts';
import type { CustomIceServer } from '../../shared/ice-servers.ts';
import { SealedBox } from '../../shared/sealed-box.ts';
import type { Secrets } from '../../shared/secrets.ts';
import type { ConnectionRecord, TokenHash } from '../../store/store.ts';

/** 131 bits. */
const TOKEN_LENGTH = 22;
const SALT_BYTES = 16;

type Sealed = Pick<ConnectionRecord, 'tokenSalt' | 'tokenHash' | 'sealedIceServers'>;
type Named = Pick<ConnectionRecord, 'uniqueSessionId' | 'connectionId'>;

/**
 * The tokens and TURN credentials of connections, which must not be readable in the store. An owner derives a token from the
 * cluster's secret and the salt in the record when it has to show it. The record alone can only verify a token.
 */
export class ConnectionSecrets {
  readonly #secrets: Pick<Secrets, 'accepted' | 'current'>;
  readonly #box: SealedBox;

  /** `secrets`: of the cluster. During a change of secrets, the former one still opens what it sealed. */
  constructor(secrets: Pick<Secrets, 'accepted' | 'current'>) {
    this.#secrets = secrets;
    this.#box = new SealedBox(secrets, 'ice servers');
  }

  /** The sealed part of a new connection's record. `salt`: fixed for a request that may be retried; default: random. */
  seal(connection: Named, iceServers: readonly CustomIceServer[], salt = newSalt()): Sealed {
    return {
      tokenSalt: salt,
      tokenHash: hashToken(deriveToken(this.#secrets.current, connection, salt)),
      ...(iceServers.length > 0
        ? { sealedIceServers: this.#box.seal(JSON.stringify(iceServers), connection.connectionId) }
        : {}),
    };
  }

  /** `undefined` when the token was made with a secret that is no longer accepted. */
  tokenOf(record: Named & Sealed): TokenId | undefined {
    return this.#secrets.accepted
      .map((secret) => deriveToken(secret, record, record.tokenSalt))
      .find((token) => hashToken(token) === record.tokenHash);
  }

  /** The connection's own STUN and TURN servers. Empty when they were sealed with a secret that is no longer accepted. */
  iceServersOf({ connectionId, sealedIceServers }: { connectionId: ConnectionId } & Partial<Sealed>) {
    const text = sealedIceServers && this.#box.open(sealedIceServers, connectionId);
    return text ? (JSON.parse(text) as readonly CustomIceServer[]) : [];
  }
}

/** The hash of a token. Neither the store nor the owner keeps the token itself. */
export function hashToken(token: string): TokenHash {
  return createHash('sha256').update(token).digest('base64url') as TokenHash;
}

function newSalt(): string {
  return randomBytes(SALT_BYTES).toString('base64url');
}

function deriveToken(secret: string, { uniqueSessionId, connectionId }: Named, salt: string): TokenId {
  return `tok_${derivedText(secret, ['join token', uniqueSessionId, connectionId, salt], TOKEN_LENGTH)}` as TokenId;
}
