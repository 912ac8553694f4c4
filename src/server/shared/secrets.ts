import { readFileSync, statSync } from 'node:fs';
import type { Logger } from './logging.ts';

/** How often a secret file is looked at, ms. Kubernetes and configuration tools replace such files in place. */
const LOOK_MS = 2_000;
/** The present secret and, while one replaces the other, a second one. */
const MOST = 2;

/** A secret file that cannot be used. The message says why and what to do. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
}

/**
 * The secrets of the cluster: the current one, with which this process signs and derives, and a second one that it accepts as
 * well. A rotation needs no downtime: add the new secret as the second line of every file, then swap the lines, then drop the old.
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
   * Reads a file with one secret a line, at most two. `check` refuses those that are too weak.
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

  /** Takes over what the file says whenever it changes. A file that cannot be used changes nothing and is logged. */
  follow(file: string, check: (secret: string) => string, log: Logger): void {
    let seen = stampOf(file);
    const timer = setInterval(() => {
      const stamp = stampOf(file);
      if (stamp === seen) return;
      seen = stamp;
      try {
        this.#accepted = readSecrets(file, check);
        log.info({ accepted: this.#accepted.length }, 'The secret file has changed and is in force.');
      } catch (error) {
        log.error({ err: error }, 'The secret file has changed and cannot be used; the secrets stay as they were.');
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
    throw new SecretFileError(`The secret file cannot be read (${String(error)}). Give a file with one secret a line.`);
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const [current, ...others] = lines.map((line) => check(line.trim()));
  if (current === undefined) throw new SecretFileError('The secret file is empty: write one secret a line into it.');
  if (others.length >= MOST) {
    throw new SecretFileError(
      `The secret file has ${lines.length} lines: the current secret and one other are accepted.`,
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
