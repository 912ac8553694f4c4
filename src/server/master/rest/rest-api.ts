import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { TrustedProxies } from '../../shared/client-address.ts';
import type { CorsOrigins } from '../../shared/cors-origins.ts';
import type { Identity } from '../../shared/identity.ts';
import type { InternalClient } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Secrets } from '../../shared/secrets.ts';
import type { Timing } from '../../shared/timing.ts';
import type { FailoverPolicy, Store } from '../../store/store.ts';
import type { Directory, LiveNode } from '../cluster/directory.ts';
import type { Locator } from '../cluster/locator.ts';
import type { Sessions } from '../owner/sessions.ts';
import type { ForwardedMark } from './forwarded-rest.ts';
import type { IdempotencyKeys } from './idempotency.ts';
import type { RestForwarder } from './rest-forwarder.ts';

/** Path prefix of the API at every master. */
export const API_PREFIX = '/openvidu/api';

/** A Fastify app whose bodies and queries have the types of their schemas. */
export type RestApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The parts of the master that the routes use. */
export interface RestParts {
  readonly self: Identity;
  readonly log: Logger;
  /** The secrets that the API accepts. */
  readonly secrets: Secrets;
  /** Recognises requests that another master has authorized and forwarded. */
  readonly forwarded: ForwardedMark;
  readonly proxies: TrustedProxies;
  readonly corsOrigins: CorsOrigins;
  /** The balancer's URL for clients, without a trailing slash, e.g. `https://example.org` or `https://example.org/video`. */
  readonly publicUrl: string;
  /** The same with `ws:` or `wss:`, e.g. `wss://example.org`. Part of every token. */
  readonly socketUrl: string;
  readonly failover: FailoverPolicy;
  readonly sessions: Sessions;
  readonly locator: Locator;
  readonly forwarder: RestForwarder;
  readonly keys: IdempotencyKeys;
  readonly store: Store;
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly timing: Timing;
  /** Whether this master creates sessions. A master that drains forwards the request to another. */
  readonly accepts: () => boolean;
  /** This master's own state, as other nodes hear it. */
  readonly beat: () => NonNullable<LiveNode['beat']>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The raw body; empty without one. */
    bodyText: string;
  }
}
