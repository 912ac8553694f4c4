import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';

/** Why a request target is refused. With each of these, two programs may read the same URL as different paths. */
export type TargetFault =
  | 'ABSOLUTE_TARGET'
  | 'CONTROL_CHARACTER'
  | 'BACKSLASH'
  | 'ENCODED_SEPARATOR'
  | 'EMPTY_SEGMENT'
  | 'PATH_NOT_NORMAL';

const ACTIONS: Readonly<Record<TargetFault, string>> = {
  ABSOLUTE_TARGET: 'The request target is not a path. Send only the path and the query.',
  CONTROL_CHARACTER: 'The request target contains a control character. Percent-encode it.',
  BACKSLASH: 'The request target contains a backslash. Use "/" in paths.',
  ENCODED_SEPARATOR: 'The path contains an encoded slash, backslash or dot. Remove it: no name here contains these.',
  EMPTY_SEGMENT: 'The path contains "//". Use single slashes.',
  PATH_NOT_NORMAL:
    'The path changes when it is normalised. Send it without "." and "..", and percent-encode unsafe characters.',
};

/** Most characters of a path that an answer repeats. */
const MOST_ECHOED = 256;
/** Needed to parse a path; not part of the result. */
const ANY_ORIGIN = 'http://x';

/**
 * Finds the fault of a request target before anything routes by it. A router decodes and a URL parser normalises, so a path is accepted
 * only if both leave it unchanged. Other percent-encoding is left to the router.
 */
export function targetFault(target: string): TargetFault | undefined {
  if (!target.startsWith('/')) return 'ABSOLUTE_TARGET';
  if (hasControlCharacter(target)) return 'CONTROL_CHARACTER';
  if (target.includes('\\')) return 'BACKSLASH';
  const path = pathOf(target);
  if (/%(?:2f|5c|2e)/i.test(path)) return 'ENCODED_SEPARATOR';
  if (path.includes('//')) return 'EMPTY_SEGMENT';
  // A fragment is never sent. The parser would drop it, but another program might not.
  if (target.includes('#') || !URL.canParse(path, ANY_ORIGIN)) return 'PATH_NOT_NORMAL';
  return new URL(path, ANY_ORIGIN).pathname === path ? undefined : 'PATH_NOT_NORMAL';
}

/** The path of a request target, as sent. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

/** Whether a path, as sent, is `prefix` or below it. */
export function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/** A body with the fields of the REST API's errors. `message` starts with the name of the fault. */
export function targetFaultBody(fault: TargetFault, target: string) {
  return {
    timestamp: Date.now(),
    status: 400,
    error: STATUS_CODES[400] ?? '',
    message: `${fault}: ${ACTIONS[fault]}`,
    path: pathOf(target).slice(0, MOST_ECHOED),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers requests with a faulty target with 400, so that `handler`, and any router in it, never sees them. */
export function withCheckedTargets(handler: Handler): Handler {
  return (request, response) => {
    const target = request.url ?? '';
    const fault = targetFault(target);
    if (!fault) return handler(request, response);
    const body = JSON.stringify(targetFaultBody(fault, target));
    // Close the connection: the sender may be probing for weaknesses.
    response.writeHead(400, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
