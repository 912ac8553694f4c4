/**
 * Why a server closes a socket, and how the client reacts:
 *   `resume`  reconnect through the balancer and resume;
 *   `stop`    don't reconnect: the frame before the close gave the reason.
 * A client ignores a socket that it has replaced by a newer one. If it still uses the socket, `superseded` was a mistake, so it resumes.
 * Other codes (1001, 1006, 1012 …) mean `resume`: the connection broke, but the session has not ended.
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

/** How a client reacts to a close with `code`. */
export function afterClose(code: number): CloseReaction {
  return code in CLOSE_CODES ? CLOSE_CODES[code as CloseCode].reaction : 'resume';
}
