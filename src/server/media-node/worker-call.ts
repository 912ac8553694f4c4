import { errors } from 'mediasoup';
import { ProtocolError } from '../../protocol/errors.ts';

/** The error that a master is told when a call to mediasoup has failed. */
function refusal(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof errors.WorkerClosedError) return new ProtocolError('UNAVAILABLE', 'the media worker has ended');
  return new ProtocolError('MEDIA_REFUSED', error instanceof Error ? error.message : String(error));
}

/**
 * Waits at most `ms` for a call to a worker. mediasoup itself would wait forever for a worker that is stopped.
 * @throws {ProtocolError} UNAVAILABLE when there is no answer, MEDIA_REFUSED when the call is refused
 */
export async function answered<T>(call: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ProtocolError('UNAVAILABLE', `the media worker did not answer in ${ms} ms`)),
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
