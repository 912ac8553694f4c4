import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Store } from '../store/store.ts';
import { UsageError } from './usage-error.ts';
import type { StoreLocation } from './values.ts';

/**
 * The store that an option names. It has to be there: a path with a typing error would otherwise be another cluster, and an
 * empty one.
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
    `There is no store at ${path}. Is that the path that the other processes use? A new cluster needs a new store, which is made once: npm run rejoin -- create-store --store ${file}`,
  );
}

/**
 * Makes the store of a new cluster. One that is there already stays as it is.
 * @throws {UsageError} StoreUnusable
 */
export async function createStore({ file }: StoreLocation): Promise<void> {
  const [{ SqliteStore }, { isStore }] = await loadStore();
  const path = resolve(file);
  try {
    if (isStore(file)) return say(`There is a store at ${path} already. It stays as it is.`);
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0) throw new Error('it holds something else');
    await new SqliteStore(file).close();
  } catch (error) {
    throw unusable(path, error);
  }
  say(`The store of a new cluster is at ${path}. Give each of its processes --store ${file}`);
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
