import { readFileSync, statSync } from 'node:fs';
import type { Logger } from './logging.ts';

/** How often a secret file is checked, ms. Kubernetes and configuration tools replace such files in place. */
const LOOK_MS = 2_000;
/** The current secret, and during a rotation a second one. */
const MOST = 2;

/** A secret file is unusable. The message says why and what to do. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
}

/**
 * The secrets of the cluster: the current one, which this process uses to sign and derive, and a second one that it also accepts. A
 * rotation needs no downtime: add the new secret as the second line of every file, then swap the lines, then remove the old one.
 */
export class Secrets {
  #accepted: readonly [string, ...string[]];

  private constructor(accepted: readonly [string, ...string[]]) {
    this.#accepted = accepted;
  }

  /** Fixed secrets, the current one first. */
  static of(current: string, ...others: readonly string[]): Secrets {
    return new Secrets([current, ...others]);
  }

  /**
   * Reads a file with a secret per line, at most two. `check` throws for weak ones.
   * @throws {SecretFileError}
   */
  static fromFile(file: string, check: (secret: string) => string): Secrets {
    return new Secrets(readSecrets(file, check));
  }

  get current(): string {
    return this.#accepted[0];
  }

  /** The current one first. */
  get accepted(): readonly string[] {
    return this.#accepted;
  }

  /** Reloads the file whenever it changes. If the new content is unusable, this is logged and the secrets don't change. */
  follow(file: string, check: (secret: string) => string, log: Logger): void {
    let seen = stampOf(file);
    const timer = setInterval(() => {
      const stamp = stampOf(file);
      if (stamp === seen) return;
      seen = stamp;
      try {
        this.#accepted = readSecrets(file, check);
        log.info({ accepted: this.#accepted.length }, 'Reloaded the secret file.');
      } catch (error) {
        log.error({ err: error }, 'Failed to reload the secret file; the former secrets stay in force.');
      }
    }, LOOK_MS);
    timer.unref();
  }
}

function readSecrets(file: string, check: (secret: string) => string): readonly [string, ...string[]] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SecretFileError(
      `The secret file cannot be read (${String(error)}). Provide a file with one secret per line.`,
    );
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const [current, ...others] = lines.map((line) => check(line.trim()));
  if (current === undefined) throw new SecretFileError('The secret file is empty. Write one secret per line into it.');
  if (others.length >= MOST) {
    throw new SecretFileError(
      `The secret file has ${lines.length} lines. Keep at most two: the current secret and one other.`,
    );
  }
  return [current, ...others];
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, ino, size } = statSync(file);
    return `${mtimeMs} ${ino} ${size}`;
  } catch {
    return 'none';
  }
}
