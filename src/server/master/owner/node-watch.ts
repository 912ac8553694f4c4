import type { EventEmitter } from 'node:events';
import type { InstanceId } from '../../shared/identity.ts';
import type { Directory, DirectoryEvents } from '../cluster/directory.ts';

/** The media node was found dead before or during a call. It may return later. */
export class NodeDead extends Error {
  override readonly name = 'NodeDead';
}

/** Ends calls to a media node as soon as the directory finds it dead, so that callers can go elsewhere. */
export class NodeWatch {
  readonly #directory: Pick<Directory, 'find'>;
  readonly #calls = new Map<InstanceId, Set<() => void>>();

  constructor(directory: Pick<Directory, 'find'> & EventEmitter<DirectoryEvents>) {
    this.#directory = directory;
    directory.on('dead', (instance) => {
      for (const end of this.#calls.get(instance) ?? []) end();
    });
  }

  /** @throws {NodeDead} at once if the node is dead, or as soon as it is found dead */
  async call<T>(instance: InstanceId, work: () => Promise<T>): Promise<T> {
    if (!this.#directory.find(instance)) throw new NodeDead();
    const calls = this.#calls.get(instance) ?? new Set();
    this.#calls.set(instance, calls);
    let end = (): void => {};
    const dead = new Promise<never>((_, reject) => {
      end = () => reject(new NodeDead());
    });
    calls.add(end);
    try {
      return await Promise.race([work(), dead]);
    } finally {
      calls.delete(end);
      if (calls.size === 0 && this.#calls.get(instance) === calls) this.#calls.delete(instance);
    }
  }
}
