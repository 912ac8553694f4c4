import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CallSigner, SIGNATURE_HEADER } from '../../src/server/shared/call-signature.ts';
import { newIdentity } from '../../src/server/shared/identity.ts';
import { CALLER_HEADER, INSTANCE_HEADER, InternalClient } from '../../src/server/shared/internal-client.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { rawRequest } from '../fixtures/doors/raw-http.ts';

/** Only processes of the cluster may use the calls between masters and media nodes. */

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 1, mediaNodes: 1 });
});
after(() => running.stop());

const NODES = ['master-1', 'media-1'];
/** Spellings of a path that a router and a guard may read differently. */
const spellings = (path: string): string[] => [
  path,
  path.replace('/i', '/%69'),
  `http://x${path}`,
  `//x${path}`,
  `/openvidu/api/../..${path}`,
  `/openvidu/api/..%2f..${path}`,
  `/openvidu/x\\..\\..${path}`,
  `/health/..${path}`,
  `${path}?x=/health`,
  `${path};/health`,
  path.toUpperCase(),
];
const INTERNAL = [
  ['GET', '/internal/ping'],
  ['GET', '/internal/live'],
  ['GET', '/metrics'],
  ['POST', '/internal/witness'],
  ['POST', '/internal/drain'],
  ['POST', '/internal/rest'],
  ['POST', '/internal/attach'],
  ['POST', '/internal/media/openRoom'],
  ['POST', '/internal/retire'],
] as const;

describe('the public port', { timeout: 60_000 }, () => {
  for (const id of [...NODES, 'balancer-1']) {
    test(`of ${id} serves no internal route, in any spelling`, async () => {
      const { url } = running.node(id);
      for (const [method, path] of INTERNAL) {
        for (const target of spellings(path)) {
          const { status, body } = await rawRequest(url, {
            method,
            target,
            headers: { 'content-type': 'application/json' },
          });
          assert.ok([400, 401, 404, 421].includes(status), `${method} ${target}: ${status} ${body.slice(0, 200)}`);
          assert.doesNotMatch(body, /@[A-Za-z0-9]{6}|process_cpu/, `${method} ${target}`);
        }
      }
    });
  }
});

describe('the internal port', { timeout: 60_000 }, () => {
  for (const id of NODES) {
    test(`of ${id} answers no unsigned call, except for metrics`, async () => {
      const { internalUrl } = running.node(id);
      for (const [method, path] of INTERNAL) {
        if (path === '/metrics') continue;
        for (const target of spellings(path)) {
          const { status } = await rawRequest(internalUrl, { method, target });
          assert.ok([400, 401, 404].includes(status), `${method} ${target}: ${status}`);
        }
      }
      // A former static key, and an unknown path.
      const bearer = { authorization: 'Bearer x' };
      assert.equal((await rawRequest(internalUrl, { target: '/internal/ping', headers: bearer })).status, 401);
      assert.equal((await rawRequest(internalUrl, { target: '/nothing' })).status, 401);
      assert.match((await rawRequest(internalUrl, { target: '/metrics' })).body, /process_cpu/);
    });

    test(`of ${id} accepts a signed call once, unchanged, and only for this instance`, async () => {
      const { internalUrl } = running.node(id);
      const secrets = Secrets.of(running.cluster.secret);
      const client = new InternalClient(secrets, newIdentity('balancer', 'test', '').instance);
      const instance = await client.ping(internalUrl, 2_000);
      await client.close();
      const signer = new CallSigner(secrets);
      const call = { method: 'POST', path: '/internal/witness', caller: 'test@1', target: instance };
      const body = JSON.stringify({ instance: 'nobody@1', withinMs: 1 });
      const headers = {
        'content-type': 'application/json',
        [CALLER_HEADER]: 'test@1',
        [INSTANCE_HEADER]: instance,
        [SIGNATURE_HEADER]: signer.sign(call, body),
      };
      const request = { method: 'POST', target: '/internal/witness', body };
      const first = await rawRequest(internalUrl, { ...request, headers });
      assert.deepEqual([first.status, first.body], [200, '{"found":"unknown"}']);
      assert.equal((await rawRequest(internalUrl, { ...request, headers })).status, 401, 'a second time');

      const again = (): string => signer.sign(call, body);
      const changed = { ...headers, [SIGNATURE_HEADER]: again() };
      const otherBody = body.replace('nobody', 'master');
      assert.equal((await rawRequest(internalUrl, { ...request, headers: changed, body: otherBody })).status, 401);
      const noBody = { ...headers, [SIGNATURE_HEADER]: again() };
      const without = await rawRequest(internalUrl, { ...request, headers: noBody, body: '' });
      assert.ok([400, 401].includes(without.status), `${without.status}`);
      const otherPath = { ...headers, [SIGNATURE_HEADER]: again() };
      assert.equal(
        (await rawRequest(internalUrl, { ...request, headers: otherPath, target: '/internal/rooms' })).status,
        401,
      );
      const otherTarget = { ...headers, [SIGNATURE_HEADER]: again(), [INSTANCE_HEADER]: 'media-9@x' };
      assert.equal((await rawRequest(internalUrl, { ...request, headers: otherTarget })).status, 401);
    });
  }

  test('a witness call names instances: no URL makes it call anywhere', async () => {
    const { internalUrl } = running.node('master-1');
    const client = new InternalClient(Secrets.of(running.cluster.secret), newIdentity('balancer', 'test', '').instance);
    let called = 0;
    const { createServer } = await import('node:http');
    const trap = createServer((_request, response) => {
      called += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as { port: number };
    const question = { url: `http://127.0.0.1:${port}`, instance: `http://127.0.0.1:${port}`, withinMs: 500 };
    assert.deepEqual(await client.call(`${internalUrl}/internal/witness`, undefined, question, 2_000), {
      found: 'unknown',
    });
    assert.equal(called, 0);
    await client.close();
    trap.close();
  });
});

test('a client cannot pretend that another master forwarded its request', { timeout: 30_000 }, async () => {
  const { url } = running.node('master-1');
  for (const name of ['x-rejoin-hop', 'x-rejoin-forwarded', 'x-rejoin-from', 'x-rejoin-call']) {
    const { status } = await rawRequest(url, { target: '/openvidu/api/sessions', headers: { [name]: '1' } });
    assert.equal(status, 401, name);
  }
});
