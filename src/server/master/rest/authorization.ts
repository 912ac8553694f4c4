import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientAddress } from '../../shared/client-address.ts';
import { sameSecret } from '../../shared/identity.ts';
import { pathOf } from '../../shared/request-target.ts';
import { SampledLog } from '../../shared/sampled-log.ts';
import type { RestParts } from './rest-api.ts';
import { RestError } from './rest-error.ts';
import { WrongSecrets } from './wrong-secrets.ts';

const MOST_LOGGED_PATH = 128;

/** Rejects requests without the secret, except to open routes, before anything else of them is read. */
export function useAuthorization(
  app: FastifyInstance,
  { secrets, forwarded, proxies, log }: Pick<RestParts, 'secrets' | 'forwarded' | 'proxies' | 'log'>,
): void {
  const wrong = new WrongSecrets();
  const refusals = new SampledLog(log, 1);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.access === 'open' || forwarded.isOn(request)) return;
    if (isAuthorized(request, secrets.accepted)) return;
    const ip = clientAddress(request.raw, proxies);
    const retryAfterS = wrong.failed(ip);
    const status = retryAfterS > 0 ? 429 : 401;
    const { method, url } = request;
    refusals.warn(
      { ip, status, method, path: pathOf(url).slice(0, MOST_LOGGED_PATH) },
      'Refused REST requests with a wrong secret.',
    );
    throw status === 401
      ? new RestError(
          401,
          'Wrong or no credentials. Use Basic auth with user OPENVIDUAPP and the secret of the cluster.',
        )
      : new RestError(
          429,
          'Too many requests with wrong credentials from this address. Use the right ones, which are always accepted.',
          retryAfterS,
        );
  });
}

/** Whether a request carries one of the accepted secrets. There are two while the secret is being changed. */
export function isAuthorized({ headers }: Pick<FastifyRequest, 'headers'>, secrets: readonly string[]): boolean {
  const [, given = ''] = /^basic +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  // Compare with all of them, so that the time reveals nothing.
  return secrets
    .map((secret) => sameSecret(given, Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64')))
    .includes(true);
}
