import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { IceServer } from '../../protocol/frames.ts';

/**
 * STUN and TURN servers as given to the REST API (`customIceServers`) and to masters (`--ice-servers`). A malformed one in a browser
 * prevents all media of that client, so they are validated as a browser would.
 */

/** `stun:host[:port]` or `turn:host[:port][?transport=udp|tcp]`, also `stuns` and `turns`; IPv6 addresses in brackets. */
const ICE_URL =
  '^(stuns?:(\\[[0-9a-fA-F:.]{2,45}\\]|[a-zA-Z0-9._-]{1,253})(:[0-9]{1,5})?|turns?:(\\[[0-9a-fA-F:.]{2,45}\\]|[a-zA-Z0-9._-]{1,253})(:[0-9]{1,5})?(\\?transport=(udp|tcp))?)$';
const URL_TEXT = { pattern: ICE_URL, maxLength: 320 };
const MOST_SERVERS = 16;

const credential = (description: string) =>
  Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 512, description }));

export const ICE_SERVER = Type.Object(
  {
    url: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        ...URL_TEXT,
        description: 'The URL, e.g. `stun:stun.example.org:3478` or `turn:turn.example.org:3478?transport=tcp`.',
      }),
    ),
    urls: Type.Optional(
      Type.Unsafe<string | string[] | null>({
        anyOf: [
          { type: ['string', 'null'], ...URL_TEXT },
          { type: 'array', items: { type: 'string', ...URL_TEXT }, minItems: 1, maxItems: 8 },
        ],
        description: 'The URL or URLs, in place of `url`.',
      }),
    ),
    username: credential('Required for TURN.'),
    credential: credential('Required for TURN.'),
  },
  { description: 'A STUN or TURN server.' },
);
export const ICE_SERVERS = Type.Array(ICE_SERVER, { maxItems: MOST_SERVERS });

type GivenIceServer = Static<typeof ICE_SERVER>;

/** An ICE server as stored and returned: as given, without nulls and unknown fields. */
export interface CustomIceServer {
  readonly url?: string;
  readonly urls?: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Which server, counted from 0, is invalid, and why. */
export class IceServerError extends Error {
  override readonly name = 'IceServerError';

  constructor(at: number, message: string) {
    super(`Ice server ${at} ${message}`);
  }
}

/**
 * Checks what the schema cannot express.
 * @throws {IceServerError}
 */
export function iceServersOf(given: readonly GivenIceServer[]): readonly CustomIceServer[] {
  return given.map(({ url, urls, username, credential: password }, at) => {
    if (Boolean(url) === Boolean(urls)) throw new IceServerError(at, 'must have either url or urls, not both.');
    const all = [url ?? urls ?? []].flat();
    for (const one of all) {
      const port = Number(/:(\d+)(\?|$)/.exec(one)?.[1] ?? 1);
      if (port < 1 || port > 65_535) throw new IceServerError(at, `has an invalid port: ${port}.`);
    }
    if (all.some((one) => one.startsWith('turn')) && (!username || !password)) {
      throw new IceServerError(at, 'is a TURN server, which needs username and credential.');
    }
    return {
      ...(url ? { url } : {}),
      ...(urls ? { urls } : {}),
      ...(username ? { username } : {}),
      ...(password ? { credential: password } : {}),
    };
  });
}

/**
 * Reads ICE servers from parsed JSON of unknown shape.
 * @throws {IceServerError}
 */
export function iceServersFrom(value: unknown): readonly CustomIceServer[] {
  if (Value.Check(ICE_SERVERS, value)) return iceServersOf(value);
  const [first] = Value.Errors(ICE_SERVERS, value);
  const [, at = '0', ...field] = (first?.instancePath ?? '').split('/');
  throw new IceServerError(Number(at), `${field.join('.')} ${first?.message ?? 'is invalid'}.`.trimStart());
}

/** The form that browsers accept. */
export function toIceServer({ url, urls = url ?? [], username, credential: password }: CustomIceServer): IceServer {
  return {
    urls: typeof urls === 'string' ? urls : [...urls],
    ...(username ? { username } : {}),
    ...(password ? { credential: password } : {}),
  };
}
