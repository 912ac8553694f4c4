import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from './store.ts';

export type Row = Record<string, SQLInputValue>;

/** How long, and how often, to retry on a busy file before `unavailable`. SQLite's own waiting would block the process. */
const BUSY_MS = 3_000;
const BUSY_RETRY_MS = 10;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/** Whether the file is a store already. Changes nothing. @throws when the file can't be read, or isn't a SQLite file */
export function isStore(file: string): boolean {
  if (!existsSync(file)) return false;
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'nodes'").get() !== undefined;
  } finally {
    db.close();
  }
}

/** A SQLite file in WAL mode, shared by several processes. Transactions wait for each other without blocking. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** `schema`: creates missing tables. `setUp`: further work before the file is used. */
  constructor(file: string, schema: string, setUp: (file: SqliteFile) => void = () => {}) {
    keepPrivate(file);
    this.#db = new DatabaseSync(file);
    // Setup may block briefly, because nothing is served yet. Afterwards, waiting doesn't block.
    this.#db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`);
    setUp(this);
    this.#db.exec('PRAGMA busy_timeout = 0');
  }

  /** Runs `work` in a transaction, entirely or not at all. @throws {StoreError} what `work` throws, or `unavailable` */
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

  /** Runs a statement and returns the number of changed rows. */
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
 * Keeps other users of the machine from reading the file. SQLite gives `-wal` and `-shm` the mode of the file itself, so the
 * file is created with that mode before SQLite opens it.
 */
function keepPrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      chmodSync(file + suffix, 0o600);
    } catch (error) {
      // The file doesn't exist yet, or belongs to another user, who decides about its mode.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'EPERM') throw error;
    }
  }
}
