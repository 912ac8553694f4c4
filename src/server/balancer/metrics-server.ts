import type { Registry } from 'prom-client';
import { listen } from '../shared/listen.ts';
import { withCheckedTargets } from '../shared/request-target.ts';
import { answerClientError } from '../shared/slow-requests.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves only `/metrics`, on a port that isn't public, because the figures aren't for everyone.
 * @throws {ListenError}
 */
export async function serveMetrics(host: string, port: number, registry: Registry): Promise<MetricsServer> {
  const { server, url } = await listen(host, port);
  server.on('clientError', answerClientError);
  server.on(
    'request',
    withCheckedTargets((request, response) => {
      if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end();
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    }),
  );
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
