import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';

/** Why a request target is refused. Each is a way in which two programs read one URL as two paths. */
export type TargetFault =
  | 'ABSOLUTE_TARGET'
  | 'CONTROL_CHARACTER'
  | 'BACKSLASH'
  | 'ENCODED_SEPARATOR'
  | 'EMPTY_SEGMENT'
  | 'PATH_NOT_NORMAL';

const ACTIONS: Readonly<Record<TargetFault, string>> = {
  ABSOLUTE_TARGET: 'The request target is not a path. Send the path and the query alone.',
  CONTROL_CHARACTER: 'The request target contains a control character. Encode it.',
  BACKSLASH: 'The request target contains a backslash. Use "/" in paths.',
  ENCODED_SEPARATOR: 'The path contains an encoded slash, backslash or dot. Leave it out: no name here contains it.',
  EMPTY_SEGMENT: 'The path contains "//". Send it with single slashes.',
  PATH_NOT_NORMAL:
    'The path changes when it is normalised. Send it without "." and "..", and with what is unsafe encoded.',
};

/** Of a path that is repeated in an answer. */
const MOST_ECHOED = 256;
/** Only compared by its path. */
const ANY_ORIGIN = 'http://x';

/**
 * The fault of a request target, found before anything routes by it. A router decodes and a URL parser normalises, so a
 * path is accepted only if all of them read it as it was written. Percent-encoding of other characters is left to the router.
 */
export function targetFault(target: string): TargetFault | undefined {
  if (!target.startsWith('/')) return 'ABSOLUTE_TARGET';
  if (hasControlCharacter(target)) return 'CONTROL_CHARACTER';
  if (target.includes('\\')) return 'BACKSLASH';
  const path = pathOf(target);
  if (/%(?:2f|5c|2e)/i.test(path)) return 'ENCODED_SEPARATOR';
  if (path.includes('//')) return 'EMPTY_SEGMENT';
  // A fragment is never sent: the parser would drop it, and another reader would not.
  if (target.includes('#') || !URL.canParse(path, ANY_ORIGIN)) return 'PATH_NOT_NORMAL';
  return new URL(path, ANY_ORIGIN).pathname === path ? undefined : 'PATH_NOT_NORMAL';
}

/** The path of a request target, as it was sent. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

/** Whether a path is `prefix` or below it, as it was sent. */
export function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/** The fields of the REST API's errors; `message` begins with the name of the fault. */
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

/** Answers requests whose target is refused with 400, so that `handler`, and any router in it, never sees them. */
export function withCheckedTargets(handler: Handler): Handler {
  return (request, response) => {
    const target = request.url ?? '';
    const fault = targetFault(target);
    if (!fault) return handler(request, response);
    const body = JSON.stringify(targetFaultBody(fault, target));
    // Nothing more is read from this connection: its sender tries something.
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
