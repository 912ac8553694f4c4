import { HALF_OPEN_CODE, SUSPENDED_CODE } from '../signaling/socket.ts';

/** Causes for close codes with a specific meaning. */
const LOSSES: Readonly<Record<number, string>> = {
  4001: 'moved',
  4408: 'heartbeatMissed',
  4503: 'unavailable',
  [HALF_OPEN_CODE]: 'heartbeatMissed',
  [SUSPENDED_CODE]: 'suspended',
};

/** The `cause` of a lost socket, as applications see it. */
export function causeOfLoss(code: number): string {
  return LOSSES[code] ?? 'socketClosed';
}
