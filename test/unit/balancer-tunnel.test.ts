import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Tunnel } from '../../src/server/balancer/tunnel.ts';

/** Two ends of a connection: the tunnel's and the far one. */
async function connection(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { near, far };
}

interface Joined {
  readonly client: { readonly near: Socket; readonly far: Socket };
  readonly upstream: { readonly near: Socket; readonly far: Socket };
  readonly tunnel: Tunnel;
  readonly closed: Promise<void>;
}

async function joined(): Promise<Joined> {
  const [client, upstream] = await Promise.all([connection(), connection()]);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  return { client, upstream, tunnel: new Tunnel(client.near, upstream.near, resolve), closed };
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
}

describe('Tunnel', { timeout: 10_000 }, () => {
  it('carries both ways and closes both ends when either closes', async () => {
    for (const first of ['client', 'upstream'] as const) {
      const { client, upstream, closed } = await joined();
      client.far.write('question');
      assert.equal(String((await once(upstream.far, 'data'))[0]), 'question');
      upstream.far.write('answer');
      assert.equal(String((await once(client.far, 'data'))[0]), 'answer');
      (first === 'client' ? client : upstream).far.end();
      await Promise.all([closed, once(client.far, 'close'), once(upstream.far, 'close')]);
    }
  });

  it('delivers data that is on its way when the other end closes', async () => {
    const { client, upstream, closed } = await joined();
    // As if the client read too slowly for its socket.
    client.near.cork();
    upstream.far.end('last words');
    assert.equal(await textOf(client.far), 'last words');
    await closed;
  });

  it('closes the other end when one is reset', async () => {
    const { client, upstream, closed } = await joined();
    client.far.resetAndDestroy();
    await Promise.all([closed, once(upstream.far, 'close')]);
  });

  it('closes both ends on request', async () => {
    const { client, upstream, tunnel, closed } = await joined();
    tunnel.close();
    assert.deepEqual([await textOf(client.far), await textOf(upstream.far)], ['', '']);
    await closed;
  });

  it('notices an end that closed before the tunnel began', async () => {
    for (const gone of ['client', 'upstream'] as const) {
      const [client, upstream] = await Promise.all([connection(), connection()]);
      const { near } = gone === 'client' ? client : upstream;
      near.destroy();
      await once(near, 'close');
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      new Tunnel(client.near, upstream.near, resolve);
      await closed;
    }
  });
});
