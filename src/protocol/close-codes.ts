/**
 * Why a server closes a socket, and what the client does then:
 *   `resume`  come back through the balancer and resume;
 *   `stop`    do not come back: the frame before the close said why;
 *   `ignore`  nothing, another socket has taken over.
 * Codes that are not here (1001, 1006, 1012 …) mean `resume`: the connection broke, the session did not end.
 */
export const CLOSE_CODES = {
  4000: { name: 'left', then: 'stop' },
  4001: { name: 'moved', then: 'resume' },
  4400: { name: 'frameMalformed', then: 'stop' },
  4401: { name: 'refused', then: 'stop' },
  4408: { name: 'heartbeatMissed', then: 'resume' },
  4409: { name: 'superseded', then: 'ignore' },
  4410: { name: 'sessionEnded', then: 'stop' },
  4413: { name: 'frameTooLarge', then: 'stop' },
  4429: { name: 'outboxOverflow', then: 'stop' },
  4503: { name: 'unavailable', then: 'resume' },
} as const satisfies Record<number, { name: string; then: 'resume' | 'stop' | 'ignore' }>;

export type CloseCode = keyof typeof CLOSE_CODES;
export type CloseName = (typeof CLOSE_CODES)[CloseCode]['name'];
export type CloseThen = (typeof CLOSE_CODES)[CloseCode]['then'];

/** What a client does after a close with `code`. */
export function afterClose(code: number): CloseThen {
  return code in CLOSE_CODES ? CLOSE_CODES[code as CloseCode].then : 'resume';
}
