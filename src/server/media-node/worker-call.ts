import { errors } from 'mediasoup';
import { ProtocolError } from '../../protocol/errors.ts';

/** What a failed call to mediasoup means to a master. */
function refusal(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof errors.WorkerClosedError) return new ProtocolError('UNAVAILABLE', 'the media worker has ended');
  return new ProtocolError('MEDIA_REFUSED', error instanceof Error ? error.message : String(error));
}

/**
 * Waits `ms` for a call to a worker: mediasoup itself would wait for ever on a worker that is stopped.
 * @throws {ProtocolError} UNAVAILABLE when no answer came, MEDIA_REFUSED when it was a refusal
 */
export async function answered<T>(call: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ProtocolError('UNAVAILABLE', `no answer from the media worker in ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([call, tooLate]);
  } catch (error) {
    throw refusal(error);
  } finally {
    clearTimeout(timer);
  }
}
