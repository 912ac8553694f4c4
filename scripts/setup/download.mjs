import { interruption } from './interruption.mjs';

/** Longest time without any data, ms. */
const STALL = 10_000;

/**
 * Downloads a URL into memory.
 *
 * @param {string} url
 * @param {object} options
 * @param {number} options.most bytes
 * @param {(bytes: number) => void} [options.at] called with the number of received bytes
 * @returns {Promise<Buffer | undefined>} undefined without an answer, for a refusal, or for too many bytes
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
