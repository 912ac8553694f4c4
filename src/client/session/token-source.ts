import { parseTokenUrl, type TokenUrl } from '../../protocol/token-url.ts';
import { RejoinError } from '../errors.ts';

/** A function that gets a new token from the application's server, each time it is called. */
export type TokenProvider = () => string | Promise<string>;

/** A token that was asked for and is not to be had. `final`: asking again is of no use. */
export class TokenFailure extends Error {
  override readonly name = 'TokenFailure';
  readonly final: boolean;
  /** Whether the application's server has answered 404. */
  readonly isNotFound: boolean;

  constructor(message: string, final: boolean, cause?: unknown, isNotFound = false) {
    super(message, { cause });
    this.final = final;
    this.isNotFound = isNotFound;
  }
}

/**
 * Statuses of an application's server that will not change by asking again. 404 and 409 are not among them: around a
 * crash a session can be there at one moment and not at the next. A join gives up after a few that say 404.
 */
const FINAL = new Set([400, 401, 403, 405, 410, 422]);

/** Where the tokens of one `connect()` come from. */
export class TokenSource {
  readonly #given: string | TokenProvider;
  readonly #limitMs: number;
  /** The call that the application has not answered. */
  #asked: Promise<unknown> | undefined;
  #spent = false;

  /** `limitMs`: how long the application may take to get a token, before it is asked again. */
  constructor(given: string | TokenProvider, limitMs: number) {
    this.#given = given;
    this.#limitMs = limitMs;
  }

  /** Whether another token can be had when one is spent. */
  get isRenewable(): boolean {
    return typeof this.#given === 'function';
  }

  /**
   * @throws {TokenFailure} a provider's error, which is final if its `status` is one of 400, 401, 403, 405,
   *   410, 422, or with `retryable: false`
   */
  async next(): Promise<TokenUrl> {
    const given = this.#given;
    const text = typeof given === 'function' ? await this.#ask(given) : this.#single(given);
    const isText = typeof text === 'string';
    const token = isText ? parseTokenUrl(text) : undefined;
    if (token) return token;
    // The words that OpenVidu's clients know.
    const message = `Token not valid: ${isText ? `"${text}"` : `it is no string, but of type ${typeof text}`}`;
    const action =
      'Pass the token of a connection as the REST API answers it, a string: ws(s)://host?sessionId=…&token=….';
    throw new TokenFailure(message, true, new RejoinError('TOKEN_INVALID', message, action));
  }

  /** One call at a time: a second token would most likely be wasted. */
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
    const over = (): void => reject(new TokenFailure(`The token provider has not answered in ${limitMs} ms.`, false));
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
