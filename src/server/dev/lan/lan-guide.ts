import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pathOf } from '../../shared/request-target.ts';
import { SLOW_REQUESTS } from '../../shared/slow-requests.ts';
import type { Lan } from './lan.ts';
import { GUIDE_STYLE, guidePage } from './lan-guide-page.ts';

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
/** A phone asks for three small files. */
const MOST_CONNECTIONS = 200;

/**
 * Serves three files without TLS: a page that explains the certificate before a browser warns about it, its style sheet, and the
 * authority's certificate. None of them is secret, and no request changes anything.
 */
export class LanGuide {
  readonly #lan: Lan;
  readonly #servers: Server[] = [];

  constructor(lan: Lan) {
    this.#lan = lan;
  }

  async listen(): Promise<void> {
    for (const host of this.#lan.addresses) {
      const server = createServer(SLOW_REQUESTS, (request, response) => this.#answer(request, response));
      server.maxConnections = MOST_CONNECTIONS;
      this.#servers.push(server);
      server.listen({ host, port: this.#lan.guidePort });
      await once(server, 'listening');
    }
  }

  async close(): Promise<void> {
    const open = this.#servers.splice(0).filter(({ listening }) => listening);
    await Promise.all(
      open.map((server) => {
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  #answer({ method, url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const page = this.#lan.pageBeside(headers.host ?? '');
    if (page === undefined)
      return refuse(response, 403, 'The demo does not have this host name. Use the address in its terminal.');
    if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'Nothing can be changed here. Use GET.');
    const files: Readonly<Record<string, readonly [type: string, content: string]>> = {
      '/': ['text/html; charset=utf-8', guidePage(page)],
      '/guide.css': ['text/css; charset=utf-8', GUIDE_STYLE],
      '/authority.crt': ['application/x-x509-ca-cert', this.#lan.certificate.authority],
    };
    const path = pathOf(url);
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!file) return refuse(response, 404, 'There is nothing at this path. The guide is at /.');
    const [type, content] = file;
    response.writeHead(200, { ...HEADERS, 'content-type': type }).end(method === 'HEAD' ? undefined : content);
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
