/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it aborts, even if `work` ignores the signal. undici ignores it
 * while connecting, which would take forever with a host that has vanished. A result that comes afterwards goes to `late`.
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
