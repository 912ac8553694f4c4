import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Store } from '../store/store.ts';
import { UsageError } from './usage-error.ts';
import type { StoreLocation } from './values.ts';

/**
 * Opens an existing store. It isn't created on demand, because a mistyped path would then start another, empty cluster.
 * @throws {UsageError} StoreNotFound, StoreUnusable
 */
export async function openStore({ file }: StoreLocation): Promise<Store> {
  const [{ SqliteStore }, { isStore }] = await loadStore();
  const path = resolve(file);
  try {
    if (isStore(file)) return new SqliteStore(file);
  } catch (error) {
    throw unusable(path, error);
  }
  throw new UsageError(
    'StoreNotFound',
    `There is no store at ${path}. Check that the other processes use this path. For a new cluster, create its store once: npm run rejoin -- create-store --store ${file}`,
  );
}

/**
 * Creates the store of a new cluster. An existing store stays unchanged.
 * @throws {UsageError} StoreUnusable
 */
export async function createStore({ file }: StoreLocation): Promise<void> {
  const [{ SqliteStore }, { isStore }] = await loadStore();
  const path = resolve(file);
  try {
    if (isStore(file)) return say(`There is already a store at ${path}. It stays unchanged.`);
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0) throw new Error('the file contains something else');
    await new SqliteStore(file).close();
  } catch (error) {
    throw unusable(path, error);
  }
  say(`Created the store of a new cluster at ${path}. Give each of its processes --store ${file}`);
}

function loadStore() {
  return Promise.all([import('../store/sqlite-store.ts'), import('../store/sqlite-file.ts')]);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function unusable(file: string, error: unknown): UsageError {
  return new UsageError('StoreUnusable', `${file} cannot be used as a store (${String(error)}).`);
}
