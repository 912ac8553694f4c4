/**
 * Why a server closes a socket, and what the client does then:
 *   `resume`  come back through the balancer and resume;
 *   `stop`    do not come back: the frame before the close said why.
 * A socket that was superseded by a newer one is no longer listened to by its client; one that is, was superseded by mistake.
 * Codes that are not here (1001, 1006, 1012 …) mean `resume`: the connection broke, the session did not end.
 */
export const CLOSE_CODES = {
  4000: { name: 'left', reaction: 'stop' },
  4001: { name: 'moved', reaction: 'resume' },
  4400: { name: 'frameMalformed', reaction: 'stop' },
  4401: { name: 'refused', reaction: 'stop' },
  4408: { name: 'heartbeatMissed', reaction: 'resume' },
  4409: { name: 'superseded', reaction: 'resume' },
  4410: { name: 'sessionEnded', reaction: 'stop' },
  4413: { name: 'frameTooLarge', reaction: 'stop' },
  4429: { name: 'outboxOverflow', reaction: 'stop' },
  4503: { name: 'unavailable', reaction: 'resume' },
} as const satisfies Record<number, { name: string; reaction: 'resume' | 'stop' }>;

export type CloseCode = keyof typeof CLOSE_CODES;
export type CloseName = (typeof CLOSE_CODES)[CloseCode]['name'];
export type CloseReaction = (typeof CLOSE_CODES)[CloseCode]['reaction'];

/** What a client does after a close with `code`. */
export function afterClose(code: number): CloseReaction {
  return code in CLOSE_CODES ? CLOSE_CODES[code as CloseCode].reaction : 'resume';
}
