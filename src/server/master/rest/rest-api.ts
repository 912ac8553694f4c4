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

/** Where the API is, at every master. */
export const API_PREFIX = '/openvidu/api';

/** Bodies and queries of its routes have the types of their schemas. */
export type RestApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes need of the master around them. */
export interface RestParts {
  readonly self: Identity;
  readonly log: Logger;
  /** Those that the API accepts. */
  readonly secrets: Secrets;
  /** Tells requests that another master has let in and passed on. */
  readonly forwarded: ForwardedMark;
  readonly proxies: TrustedProxies;
  readonly corsOrigins: CorsOrigins;
  /** Where clients reach the balancer, without a slash at its end, e.g. `https://example.org` or `https://example.org/video`. */
  readonly publicUrl: string;
  /** The same for sockets, e.g. `wss://example.org`: part of every token. */
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
  /** Whether sessions are begun here; a master that drains leaves that to others. */
  readonly accepts: () => boolean;
  /** This master as the others see it. */
  readonly beat: () => NonNullable<LiveNode['beat']>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent; empty without one. */
    bodyText: string;
  }
}
