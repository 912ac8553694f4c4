import { fetchWithKey, PageKeyError } from './page-key.ts';

/** What the demo's application server refused. `status`, by which the SDK knows whether to ask again: 0 for no answer. */
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

/** A new token for a room, which is made if there is none of this name. @throws {DemoServerError} */
export async function requestToken(room: string): Promise<string> {
  const { token } = await post('demo/api/token', { room });
  if (typeof token === 'string') return token;
  throw new DemoServerError(0, 'AnswerInvalid', 'The server answered without a token.', 'Look into its log.');
}

/** Where a phone begins, and the same as a picture to scan. */
export interface PhoneGuide {
  readonly url: string;
  /** SVG. */
  readonly qr: string;
}

/** Where phones in the same network begin; nowhere unless the demo runs with `--lan`. */
export async function requestPhoneGuides(): Promise<readonly PhoneGuide[]> {
  const answer = await fetchWithKey('demo/api/phones');
  return answer.ok ? ((await answer.json()) as { guides: PhoneGuide[] }).guides : [];
}

/** Ends a node's process at once. @throws {DemoServerError} */
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
      throw new DemoServerError(0, 'NoAnswer', 'The server cannot be reached.', 'Try again in a moment.');
    }
    response = error.answer;
  }
  // A balancer between two lives may answer with something else.
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
