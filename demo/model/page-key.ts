/**
 * The demo's server answers only pages that send the key of its current run. It gives the key only to pages of the same
 * origin. The page requests the key once, and again after a restart of the cluster. All paths are relative to the
 * page, because a proxy may serve it below a prefix.
 */
const HEADER = 'x-demo-page-key';

let key: Promise<string> | undefined;

/**
 * `fetch` with the page's key.
 * @throws {PageKeyError} if the server refuses the key
 */
export async function fetchWithKey(path: string, init: RequestInit = {}): Promise<Response> {
  const used = currentKey();
  const answer = await ask(path, init, used);
  if (answer.status !== 403) return answer;
  // Another call may have requested the new key meanwhile.
  if (key === used) key = undefined;
  return ask(path, init, currentKey());
}

async function ask(path: string, init: RequestInit, shown: Promise<string>): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set(HEADER, await shown);
  return fetch(path, { ...init, headers });
}

function currentKey(): Promise<string> {
  if (key) return key;
  const asked = requestKey();
  key = asked;
  asked.catch(() => {
    if (key === asked) key = undefined;
  });
  return asked;
}

/** @throws {PageKeyError} with the status of the refusal */
async function requestKey(): Promise<string> {
  const answer = await fetch('demo/api/page-key', { method: 'POST' });
  if (!answer.ok) throw new PageKeyError(answer);
  return String(((await answer.json()) as { key: unknown }).key);
}

/** The server refused the key. The SDK decides by `status` whether to repeat. */
export class PageKeyError extends Error {
  override readonly name = 'PageKeyError';
  readonly status: number;
  readonly answer: Response;

  constructor(answer: Response) {
    super(`The server answered ${answer.status} to the page's request for its key.`);
    this.status = answer.status;
    this.answer = answer;
  }
}
