import { fetchWithKey, PageKeyError } from './page-key.ts';

/** A refusal by the demo's application server. The SDK decides by `status` whether to repeat; 0 means no answer. */
export class DemoServerError extends Error {
  override readonly name: string;
  readonly status: number;
  readonly action: string;

  constructor(status: number, name: string, message: string, action: string) {
    super(message);
    this.name = name;
    this.status = status;
    this.action = action;
  }
}

/** Gets a new token for a room, which is made if necessary. @throws {DemoServerError} */
export async function requestToken(room: string): Promise<string> {
  const { token } = await post('demo/api/token', { room });
  if (typeof token === 'string') return token;
  throw new DemoServerError(0, 'AnswerInvalid', 'The server answered without a token.', 'See its log.');
}

/** The start page for phones, as a URL and as a QR code. */
export interface PhoneGuide {
  readonly url: string;
  /** SVG. */
  readonly qr: string;
}

/** The start pages for phones in the same network; empty unless the demo runs with `--lan`. */
export async function requestPhoneGuides(): Promise<readonly PhoneGuide[]> {
  const answer = await fetchWithKey('demo/api/phones');
  return answer.ok ? ((await answer.json()) as { guides: PhoneGuide[] }).guides : [];
}

/** Kills a node's process. @throws {DemoServerError} */
export async function killNode(id: string): Promise<void> {
  await post(`demo/api/nodes/${encodeURIComponent(id)}/kill`, {});
}

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    const headers = { 'content-type': 'application/json' };
    response = await fetchWithKey(path, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch (error) {
    if (!(error instanceof PageKeyError)) {
      throw new DemoServerError(0, 'NoAnswer', 'The server does not answer.', 'Try again in a moment.');
    }
    response = error.answer;
  }
  // A restarting balancer may answer with something other than JSON.
  const answer: unknown = await response.json().catch(() => undefined);
  const fields = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  if (response.ok) return fields;
  const { error, message, action } = fields;
  throw new DemoServerError(
    response.status,
    String(error ?? 'ServerError'),
    String(message ?? `The server answered ${response.status}.`),
    String(action ?? 'Try again in a moment.'),
  );
}
