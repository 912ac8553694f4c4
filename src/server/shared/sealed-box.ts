import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Secrets } from './secrets.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** With random IVs of this size, a key may be used about 2^32 times before a repetition becomes likely. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts data in the store that only processes with the cluster's secret may read (AES-256-GCM). A text sealed for one object cannot
 * be opened as another's, and a changed text cannot be opened at all.
 */
export class SealedBox {
  readonly #secrets: Pick<Secrets, 'accepted' | 'current'>;
  readonly #purpose: string;

  /**
   * @param secrets of the cluster; all but the current one only open what was sealed before a rotation
   * @param purpose separates boxes: those of different purposes cannot open each other's texts
   */
  constructor(secrets: Pick<Secrets, 'accepted' | 'current'>, purpose: string) {
    this.#secrets = secrets;
    this.#purpose = purpose;
  }

  /** `of`: the owner of the text, e.g. the id of a connection. */
  seal(text: string, of: string): string {
    const key = this.#keyOf(this.#secrets.current);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(of));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** `undefined` when none of the secrets opens it. */
  open(sealed: string, of: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    for (const secret of this.#secrets.accepted) {
      const key = this.#keyOf(secret);
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(of)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      try {
        const text = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
        return Buffer.concat(text).toString('utf8');
      } catch {
        // It was sealed with another secret, or by another cluster.
      }
    }
    return undefined;
  }

  #keyOf(secret: string): Buffer {
    return Buffer.from(hkdfSync('sha256', secret, '', `rejoin sealed box: ${this.#purpose}`, KEY_BYTES));
  }
}
