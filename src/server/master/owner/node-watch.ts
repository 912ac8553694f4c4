import type { EventEmitter } from 'node:events';
import type { InstanceId } from '../../shared/identity.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory, DirectoryEvents } from '../cluster/directory.ts';

/** A media node has been found dead while a call to it was on its way, or before. It may be back later. */
export class NodeDead extends Error {
  override readonly name = 'NodeDead';
}

/** A node that has not been heard for so many beats comes after the others. */
const STALE_BEATS = 1.5;

/** How the media nodes do, as the directory finds it: calls to a dead node end at once, and a doubted node is chosen last. */
export class NodeWatch {
  readonly #directory: Pick<Directory, 'find'>;
  readonly #staleMs: number;
  readonly #now: () => number;
  readonly #calls = new Map<InstanceId, Set<() => void>>();
  readonly #doubted = new Set<InstanceId>();
  readonly #heardAt = new Map<InstanceId, number>();

  constructor(
    directory: Pick<Directory, 'find'> & EventEmitter<DirectoryEvents>,
    timing: Timing,
    now = () => performance.now(),
  ) {
    this.#directory = directory;
    this.#staleMs = timing.beatMs * STALE_BEATS;
    this.#now = now;
    directory.on('doubted', (instance) => this.#doubted.add(instance));
    directory.on('beat', (instance) => {
      this.#doubted.delete(instance);
      this.#heardAt.set(instance, this.#now());
    });
    directory.on('dead', (instance) => {
      this.#doubted.delete(instance);
      this.#heardAt.delete(instance);
      for (const end of this.#calls.get(instance) ?? []) end();
    });
  }

  /** Whether the node is suspected, or has missed a beat: another is more likely to answer. */
  isDoubtful(instance: InstanceId): boolean {
    const heardAt = this.#heardAt.get(instance);
    return this.#doubted.has(instance) || (heardAt !== undefined && this.#now() - heardAt > this.#staleMs);
  }

  /** @throws {NodeDead} at once when the node is dead, and as soon as it is found dead */
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
