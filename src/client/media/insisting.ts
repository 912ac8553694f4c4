import { ProtocolError } from '../../protocol/errors.ts';
import type { Request } from './media-plane.ts';

const AGAIN_MS = 250;

/**
 * Asks again what the media node could not do at this moment: the same, as what has been done by half is found by its name.
 * @param isWorth whether there is to be another attempt, after so many
 */
export function insisting(request: Request, isWorth: (attempts: number) => boolean): Request {
  return async (method, data) => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await request(method, data);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'UNAVAILABLE' || !isWorth(attempts)) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  };
}
