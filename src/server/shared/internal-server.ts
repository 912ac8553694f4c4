import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import {
  CallVerifier,
  hashBody,
  MAX_SKEW_MS,
  NO_BODY,
  SIGNATURE_HEADER,
  type SignatureFault,
} from './call-signature.ts';
import { createApp, type HttpServerOptions } from './http-server.ts';
import { type Identity, type InstanceId, nodeIdOf } from './identity.ts';
import { CALLER_HEADER, CLUSTER_HEADER, INSTANCE_HEADER } from './internal-client.ts';
import { SampledLog } from './sampled-log.ts';
import type { Secrets } from './secrets.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The process that signed this call. */
    caller: InstanceId;
    /** The SHA-256 of the body that the signature covers; empty if no signature was required. */
    signedBody: string;
    /** The SHA-256 of the received body. */
    receivedBody: string;
  }
}

export interface InternalServerOptions extends HttpServerOptions {
  readonly identity: Identity;
  readonly secrets: Secrets;
}

export interface InternalServer {
  readonly app: FastifyInstance;
  readonly metrics: Registry;
}

/** Bytes. Large, because masters send each other batches. */
const BODY_LIMIT = 16 * 1024 * 1024;

const FAULTS: Readonly<Record<SignatureFault, string>> = {
  missing: 'The call is not signed. Only processes of the cluster may call this port.',
  malformed: 'The signature of the call cannot be read. Run the same version of Rejoin everywhere.',
  wrong: 'The signature of the call is wrong. Start all processes of the cluster with the same secret.',
  clock: `The clocks of the two machines differ by more than ${MAX_SKEW_MS / 60_000} minutes. Set them, e.g. by NTP.`,
  repeated: 'This call has already been made. A new call needs a new signature.',
};

const ONE_STORE = 'Give all processes of the cluster the same --store.';
const STORES_DIFFER = `Refused a process that uses another store. ${ONE_STORE}`;

/**
 * Serves the other processes of a cluster on a separate port: `/internal/*`, with signed calls, and `/metrics`. Every route requires a
 * signature unless it declares `access: 'open'`; so do paths without a route.
 */
export function createInternalServer({ identity, secrets, ...options }: InternalServerOptions): InternalServer {
  const app = createApp(options, BODY_LIMIT);
  const verifier = new CallVerifier(secrets);
  const refused = new SampledLog(options.log, 1);
  const strangers = new SampledLog({ warn: options.log.error.bind(options.log) }, 1);
  app.decorateRequest('caller', '' as InstanceId);
  app.decorateRequest('signedBody', '');
  app.decorateRequest('receivedBody', NO_BODY);
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.access === 'open') return;
    const { method, url, headers } = request;
    const caller = String(headers[CALLER_HEADER] ?? '');
    const target = String(headers[INSTANCE_HEADER] ?? '');
    const verified = verifier.verify(headers[SIGNATURE_HEADER], { method, path: url, caller, target });
    if (verified.kind === 'refused') {
      const { fault, skewMs } = verified;
      const facts = { fault, skewMs, ip: request.ip, caller: fault === 'clock' ? caller : undefined };
      refused.warn({ ...facts, said: FAULTS[fault] }, 'Refused a call on the internal port.');
      await reply.code(401).send({ message: FAULTS[fault] });
      return;
    }
    const cluster = headers[CLUSTER_HEADER];
    if (identity.cluster !== undefined && cluster !== undefined && cluster !== identity.cluster) {
      strangers.warn({ error: 'StoresDiffer', caller, ip: request.ip }, STORES_DIFFER);
      await reply.code(403).send({ message: `${identity.instance} uses another store. ${ONE_STORE}` });
      return;
    }
    if (nodeIdOf(caller as InstanceId) === identity.id && caller !== identity.instance) {
      const what = 'Another process runs under the same --id. Give each process of the cluster its own.';
      strangers.warn({ error: 'IdTaken', caller, ip: request.ip }, what);
    }
    if (target !== '' && target !== identity.instance) {
      await reply.code(421).send({ message: `This is ${identity.instance}, not ${target}.` });
      return;
    }
    request.caller = caller as InstanceId;
    request.signedBody = verified.bodyHash;
  });
  const parse = app.getDefaultJsonParser('remove', 'remove');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.receivedBody = hashBody(body);
    // Don't parse a body that was not signed; the hook below refuses it.
    if (request.receivedBody !== request.signedBody) return done(null, undefined);
    void parse(request, body.toString('utf8'), done);
  });
  app.addHook('preValidation', async ({ signedBody, receivedBody, routeOptions }, reply) => {
    if (routeOptions.config.access === 'open' || signedBody === receivedBody) return;
    await reply.code(401).send({ message: 'The body differs from the signed one.' });
  });

  const metrics = new Registry();
  metrics.setDefaultLabels({ node: identity.id });
  collectDefaultMetrics({ register: metrics });
  app.get('/metrics', { config: { access: 'open' } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
  app.get('/internal/ping', () => ({ instance: identity.instance, cluster: identity.cluster }));
  return { app, metrics };
}
