import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { ServerFrame } from '../../src/protocol/frames.ts';
import { ClientSocket } from '../../src/server/master/edge/client-socket.ts';
import { until } from '../fixtures/until.ts';

/** More than the buffers of both ends, so that a client that does not read leaves some of it here. */
const LARGE: ServerFrame = { t: 'refused', error: { code: 'INTERNAL', message: 'x'.repeat(12_000_000), action: '' } };

describe('ClientSocket', { timeout: 20_000 }, () => {
  const ends: (() => unknown)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** A client's socket at its edge, and the client. */
  async function connected(): Promise<{ edge: ClientSocket; ws: WebSocket; client: WebSocket; tcp: Socket }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    ends.push(() => server.close());
    await once(server, 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    ends.push(() => client.terminate());
    const accepted = once(server, 'connection') as Promise<[WebSocket]>;
    const [response] = (await once(client, 'upgrade')) as [{ socket: Socket }];
    const [ws] = await accepted;
    const edge = new ClientSocket(
      ws,
      { ip: '', platform: '' },
      { frame() {}, reads() {}, violation() {}, closed() {} },
    );
    return { edge, ws, client, tcp: response.socket };
  }

  it('gives a large frame enough time', async () => {
    const { edge, ws, client, tcp } = await connected();
    tcp.pause();
    edge.send(LARGE);
    assert.ok(ws.bufferedAmount > 1_000_000, 'the test needs more than the buffers hold');
    edge.beat(performance.now());
    const arrived = once(client, 'message');
    tcp.resume();
    const [data] = (await arrived) as [Buffer];
    assert.ok(data.length > 12_000_000);
    for (let beat = 0; beat < 5; beat += 1) edge.beat(performance.now());
    assert.equal(ws.readyState, WebSocket.OPEN);
  });

  it('cuts a client that reads nothing of a large frame for some beats', async () => {
    const { edge, ws, tcp } = await connected();
    tcp.pause();
    edge.send(LARGE);
    const beats = [1, 2, 3, 4].map(() => {
      edge.beat(performance.now());
      return ws.readyState === WebSocket.OPEN;
    });
    assert.deepEqual(beats, [true, true, true, false]);
  });

  it('cuts a socket that takes too much memory at once', async () => {
    const { edge, ws, tcp } = await connected();
    tcp.pause();
    edge.send(LARGE);
    edge.send(LARGE);
    await until('it is closed', () => ws.readyState !== WebSocket.OPEN);
  });
});
