/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it is aborted, whether `work` takes notice or not: undici
 * does not look at a signal while it connects, and a host that has vanished is connected to for ever. `late` gets what comes after that.
 */
export function untilAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
  late: (result: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason);
      work.then(late, () => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', abort);
    work.then(
      (result) => {
        settled();
        resolve(result);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}
