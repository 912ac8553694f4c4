import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createWorker, type types } from 'mediasoup';
import { type WebSocket, WebSocketServer } from 'ws';
import { MEDIA_CODECS } from '../../src/server/media-node/codecs.ts';
import { until } from '../../test/fixtures/until.ts';
import type { Cleanup } from '../cleanup.ts';
import { RawPeer } from './raw-peer.ts';

const HOST = '127.0.0.1';

/**
 * A call without a cluster: one mediasoup worker process, and a socket to each page. The floor for the cluster, so it
 * does only the minimum for a call of two.
 */
export class RawServer {
  readonly url: string;
  readonly #peers = new Set<RawPeer>();
  #worker: types.Worker;
  #router: types.Router;

  static async start(site: string, cleanup: Cleanup): Promise<RawServer> {
    const server = createServer(async ({ url = '/' }, answer) => {
      const name = new URL(url, 'http://localhost').pathname.slice(1);
      const known = ['raw.html', 'raw-page.js'].includes(name);
      answer.setHeader('content-type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
      answer.writeHead(known ? 200 : 404).end(known ? await readFile(join(site, name)) : undefined);
    });
    await new Promise<void>((listening) => server.listen(0, HOST, listening));
    cleanup.add(() => server.closeAllConnections());
    cleanup.add(() => server.close());
    const sockets = new WebSocketServer({ server });
    const { worker, router } = await startWorker();
    const raw = new RawServer(`http://${HOST}:${(server.address() as AddressInfo).port}`, worker, router);
    cleanup.add(() => raw.#worker.close());
    sockets.on('connection', (socket) => void raw.#accept(socket));
    return raw;
  }

  private constructor(url: string, worker: types.Worker, router: types.Router) {
    this.url = url;
    this.#worker = worker;
    this.#router = router;
    this.#follow(worker);
  }

  /** Kills the worker. The server then does the minimum: another worker, and all media anew. */
  killWorker(): void {
    process.kill(this.#worker.pid, 'SIGKILL');
  }

  /** Resolves when this number of pages sends. */
  async publishing(pages: number): Promise<void> {
    await until('the raw call is there', () => [...this.#peers].filter((peer) => peer.isSending).length === pages);
  }

  async #accept(socket: WebSocket): Promise<void> {
    const peer = new RawPeer(socket, () => this.#peers);
    this.#peers.add(peer);
    socket.on('close', () => {
      this.#peers.delete(peer);
      peer.close();
    });
    await peer.begin(this.#router);
  }

  #follow(worker: types.Worker): void {
    worker.on('died', () => void this.#replace());
  }

  async #replace(): Promise<void> {
    const { worker, router } = await startWorker();
    this.#worker = worker;
    this.#router = router;
    this.#follow(worker);
    await Promise.all([...this.#peers].map((peer) => peer.begin(router)));
  }
}

async function startWorker(): Promise<{ worker: types.Worker; router: types.Router }> {
  const worker = await createWorker({ logLevel: 'none' });
  const router = await worker.createRouter({ mediaCodecs: [...MEDIA_CODECS] });
  return { worker, router };
}
