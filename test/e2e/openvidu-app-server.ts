import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OpenVidu, OpenViduRole } from 'openvidu-node-client';

/** The body of a request for a connection. */
interface ConnectionRequest {
  /** Default: `PUBLISHER`. */
  readonly role?: keyof typeof OpenViduRole;
  /** The server's data about the user. */
  readonly data?: string;
}

/**
 * The application server of an OpenVidu application, with OpenVidu's own server SDK: `POST /api/sessions` makes a
 * session, `POST /api/sessions/ID/connections` a token for it. It forwards the status of the cluster's errors to the
 * page.
 */
export class OpenViduAppServer {
  readonly #openVidu: OpenVidu;
  readonly #server: Server;
  /** Statuses of its answers, in order. */
  readonly answered: number[] = [];

  static async start(clusterUrl: string, secret: string): Promise<OpenViduAppServer> {
    const app = new OpenViduAppServer(new OpenVidu(clusterUrl, secret));
    await new Promise<void>((resolve) => app.#server.listen(0, '127.0.0.1', resolve));
    return app;
  }

  private constructor(openVidu: OpenVidu) {
    this.#openVidu = openVidu;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
    let status = 200;
    let answer = '';
    try {
      answer = await this.#answer(request.url ?? '', await bodyOf(request));
    } catch (error) {
      // The server SDK's errors have the status as their message.
      status = Number((error as Error).message) || 500;
    }
    this.answered.push(status);
    response.writeHead(status, { ...cors, 'content-type': 'text/plain' }).end(answer);
  }

  async #answer(path: string, body: object): Promise<string> {
    const connections = /^\/api\/sessions\/([^/]+)\/connections$/.exec(path);
    if (!connections) {
      const session = await this.#openVidu.createSession(body);
      return session.sessionId;
    }
    const session = this.#openVidu.activeSessions.find(({ sessionId }) => sessionId === connections[1]);
    if (!session) throw new Error('404');
    const { role = 'PUBLISHER', data = '' } = body as ConnectionRequest;
    const { token } = await session.createConnection({ role: OpenViduRole[role], data });
    return token ?? '';
  }
}

async function bodyOf(request: IncomingMessage): Promise<object> {
  let text = '';
  for await (const part of request) text += part;
  return text === '' ? {} : (JSON.parse(text) as object);
}
