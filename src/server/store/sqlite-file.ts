import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from './store.ts';

export type Row = Record<string, SQLInputValue>;

/** How long a busy file is tried again before `unavailable`, and how often. Waits are ours: SQLite's own would block. */
const BUSY_MS = 3_000;
const BUSY_RETRY_MS = 10;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/** Whether a file holds a store already. Changes nothing. @throws when the file can't be read, or is no SQLite file */
export function isStore(file: string): boolean {
  if (!existsSync(file)) return false;
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'nodes'").get() !== undefined;
  } finally {
    db.close();
  }
}

/** A SQLite file in WAL mode that several processes open: transactions that wait for each other without blocking. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** `schema`: statements that make what is not there yet. `setUp`: what else is to be done before anything is served. */
  constructor(file: string, schema: string, setUp: (file: SqliteFile) => void = () => {}) {
    keepPrivate(file);
    this.#db = new DatabaseSync(file);
    // Set-up may block for a moment, as nothing is served yet; afterwards waiting is done without blocking.
    this.#db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`);
    setUp(this);
    this.#db.exec('PRAGMA busy_timeout = 0');
  }

  /** Runs `work` in a transaction: all of it is done, or nothing. @throws {StoreError} what `work` throws, or `unavailable` */
  write<T>(work: () => T): Promise<T> {
    return this.#patiently(() => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** @throws {StoreError} `unavailable` */
  read<T>(work: () => T): Promise<T> {
    return this.#patiently(work);
  }

  /** How many rows it has changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  close(): void {
    this.#db.close();
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const until = performance.now() + BUSY_MS;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (error instanceof StoreError) throw error;
        const code = (error as { errcode?: number }).errcode ?? 0;
        const busy = (code & 0xff) === SQLITE_BUSY || (code & 0xff) === SQLITE_LOCKED;
        if (!busy || performance.now() > until) {
          throw new StoreError('unavailable', `The store did not answer: ${String(error)}`, error);
        }
      }
      await delay(BUSY_RETRY_MS);
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/**
 * Other users of the machine must not read the file. SQLite gives the files beside it (`-wal`, `-shm`) the mode of the file itself,
 * so it exists with that mode before SQLite opens it.
 */
function keepPrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      chmodSync(file + suffix, 0o600);
    } catch (error) {
      // It is not there yet, or belongs to another user, who decides about it.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'EPERM') throw error;
    }
  }
}
