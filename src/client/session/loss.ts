import { HALF_OPEN_CODE, SUSPENDED_CODE } from '../signaling/socket.ts';

/** What closed the socket, for those codes that say more than that it closed. */
const LOSSES: Readonly<Record<number, string>> = {
  4001: 'moved',
  4408: 'heartbeatMissed',
  4503: 'unavailable',
  [HALF_OPEN_CODE]: 'heartbeatMissed',
  [SUSPENDED_CODE]: 'suspended',
};

/** Why the socket is gone, in the words that applications are told. */
export function causeOfLoss(code: number): string {
  return LOSSES[code] ?? 'socketClosed';
}
