import { parseTokenUrl, type TokenUrl } from '../../protocol/token-url.ts';
import { RejoinError } from '../errors.ts';

/** A function that gets a new token from the application's server at each call. */
export type TokenProvider = () => string | Promise<string>;

/** No token is available. `final`: another request is of no use. */
export class TokenFailure extends Error {
  override readonly name = 'TokenFailure';
  readonly final: boolean;
  /** Whether the application's server answered 404. */
  readonly isNotFound: boolean;

  constructor(message: string, final: boolean, cause?: unknown, isNotFound = false) {
    super(message, { cause });
    this.final = final;
    this.isNotFound = isNotFound;
  }
}

/**
 * Statuses of an application's server that a repetition does not change. 404 and 409 are not among them, because a
 * session may appear or vanish around a crash. A join gives up after a few 404s.
 */
const FINAL = new Set([400, 401, 403, 405, 410, 422]);

/** The source of the tokens of one `connect()`. */
export class TokenSource {
  readonly #given: string | TokenProvider;
  readonly #limitMs: number;
  /** The application's pending call. */
  #asked: Promise<unknown> | undefined;
  #spent = false;

  /** `limitMs`: time for the application to get a token, before the next attempt. */
  constructor(given: string | TokenProvider, limitMs: number) {
    this.#given = given;
    this.#limitMs = limitMs;
  }

  /** Whether the source can supply another token. */
  get isRenewable(): boolean {
    return typeof this.#given === 'function';
  }

  /**
   * @throws {TokenFailure} a provider's error; final with a `status` of 400, 401, 403, 405, 410 or 422, or with
   *   `retryable: false`
   */
  async next(): Promise<TokenUrl> {
    const given = this.#given;
    const text = typeof given === 'function' ? await this.#ask(given) : this.#single(given);
    const isText = typeof text === 'string';
    const token = isText ? parseTokenUrl(text) : undefined;
    if (token) return token;
    // OpenVidu's clients know this wording.
    const message = `Token not valid: ${isText ? `"${text}"` : `not a string, but ${typeof text}`}`;
    const action = 'Pass the token, a string from the REST API: ws(s)://host?sessionId=…&token=….';
    throw new TokenFailure(message, true, new RejoinError('TOKEN_INVALID', message, action));
  }

  /** Never calls the function twice at a time, because a second token would most likely be wasted. */
  #ask(provider: TokenProvider): Promise<unknown> {
    const asked = this.#asked ?? askProvider(provider, this.#limitMs);
    this.#asked = asked;
    const forget = (): void => {
      this.#asked = undefined;
    };
    asked.then(forget, forget);
    return asked;
  }

  #single(token: unknown): unknown {
    if (this.#spent) throw new TokenFailure('The token has been used.', true);
    this.#spent = true;
    return token;
  }
}

async function askProvider(provider: TokenProvider, limitMs: number): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const over = (): void => reject(new TokenFailure(`The token provider did not answer in ${limitMs} ms.`, false));
    timer = setTimeout(over, limitMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(provider), late]);
  } catch (cause) {
    if (cause instanceof TokenFailure) throw cause;
    const { status, retryable, message } = cause as { status?: unknown; retryable?: unknown; message?: unknown };
    const refused = typeof status === 'number' && FINAL.has(status);
    const text = `${message ?? cause}${status === undefined ? '' : ` (status ${status})`}`;
    throw new TokenFailure(text, retryable === false || refused, cause, status === 404);
  } finally {
    clearTimeout(timer);
  }
}
