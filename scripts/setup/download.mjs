import { interruption } from './interruption.mjs';

/** How long nothing at all may arrive, ms. */
const STALL = 10_000;

/**
 * The answer of a URL, in memory.
 *
 * @param {string} url
 * @param {object} options
 * @param {number} options.most bytes
 * @param {(bytes: number) => void} [options.at] told how much has arrived
 * @returns {Promise<Buffer | undefined>} nothing when there is nothing to be had there: no answer, a refusal, too much
 */
export async function download(url, { most, at }) {
  const stalled = new AbortController();
  const watch = () => setTimeout(() => stalled.abort(new Error('nothing arrives')), STALL);
  let timer = watch();
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([stalled.signal, interruption()]) });
    if (!answer.ok || !answer.body) return undefined;
    const parts = [];
    let size = 0;
    for await (const part of answer.body) {
      clearTimeout(timer);
      timer = watch();
      size += part.length;
      if (size > most) return undefined;
      parts.push(part);
      at?.(size);
    }
    return Buffer.concat(parts);
  } catch {
    interruption().throwIfAborted();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
