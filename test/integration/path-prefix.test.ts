import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { OpenVidu } from '../../src/node-client/index.ts';
import { freePorts } from '../../src/server/dev/ports.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { PAGE_KEY_HEADER } from '../fixtures/dev/demo-api.ts';
import { type RawAnswer, rawRequest } from '../fixtures/doors/raw-http.ts';
import { type PrefixProxy, startNodeProxy, startPrefixProxy } from '../fixtures/prefix/prefix-proxy.ts';
import { ApiDocument } from '../fixtures/rest/api-document.ts';
import { until } from '../fixtures/until.ts';

const UPGRADE = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };

let running: RunningCluster;
let proxy: PrefixProxy;
/** A proxy that does not strip its prefix. */
let lazy: PrefixProxy;
let lazyUrl: string;
before(async () => {
  const [port = 0, lazyPort = 0, balancerPort = 0] = await freePorts('127.0.0.1', 3);
  proxy = await startPrefixProxy({ port, balancerPort, prefix: '/site/video' });
  lazy = await startNodeProxy({ port: lazyPort, balancerPort, prefix: '/site', strips: false });
  lazyUrl = `http://localhost:${lazyPort}/site`;
  running = await RunningCluster.start({
    port: balancerPort,
    publicUrl: `http://localhost:${port}/site/video`,
    // An address that every machine has.
    lan: { addresses: ['127.0.0.2'], port: 0 },
    timing: { verdictMs: 1_500, beatMs: 300 },
  });
});
after(async () => {
  await running.stop();
  await Promise.all([proxy.close(), lazy.close()]);
});
beforeEach(() => running.rested());

/** Does the work of an application's server. */
async function tokenOf(room: string, failover: FailoverPolicy, url = running.url): Promise<string> {
  const rejoin = new OpenVidu(url, running.cluster.secret);
  const session = await rejoin.createSession({ customSessionId: room, failover });
  const { token } = await session.createConnection();
  return String(token);
}

/** Joins, loses the owner to a kill, and recovers, all below the prefix. */
async function outlivesCrash(failover: FailoverPolicy, told: 'rebuilt' | 'reconnected'): Promise<void> {
  const room = `prefix-${failover}`;
  const base = running.url.replace('http', 'ws');
  const clients = [new SdkClient(), new SdkClient({ urls: [`${base}/`] }), new SdkClient({ urls: [`${base}/?at=eu`] })];
  // The node client accepts the URL with and without a slash at its end.
  for (const [at, { session }] of clients.entries()) {
    await session.connect(() => tokenOf(room, failover, at === 0 ? `${running.url}/` : running.url));
  }
  assert.ok((await tokenOf(room, failover)).startsWith(`${base}?sessionId=${room}&`));
  for (const client of clients) await client.happened('connectionCreated', clients.length);
  for (const client of clients) client.forget();
  const first = await until('it exists', () => running.session(room));
  const owner = await running.ownerOf(room);
  // The balancer has distributed three sockets over two masters, so at least one is lost with the owner.
  const pid = running.cluster.kill(owner);
  const second = await until('it has another owner', async () => {
    const record = await running.session(room);
    return record && record.owner !== first.owner && record;
  });
  assert.equal(second.uniqueSessionId === first.uniqueSessionId, failover === 'takeover');
  await until(told, () => clients.some((client) => client.count(told) > 0));
  await until('all are back', () => clients.every(({ session }) => session.state === 'joined'));
  await clients[0]?.session.signal({ data: 'we are back' });
  for (const client of clients) {
    await until('the signal', () => client.signals.includes('we are back'));
    assert.equal(client.count('sessionDisconnected'), 0);
  }
  await running.restarted(owner, pid);
}

test('below the prefix of a proxy: REST, join, the crash of an owner and the rebuild', () =>
  outlivesCrash('rebuild', 'rebuilt'));

test('below the prefix of a proxy: the crash of an owner and the takeover', () =>
  outlivesCrash('takeover', 'reconnected'));

test('the server includes the prefix in its configuration, its document and its tokens', async () => {
  const { json } = await running.rest('GET', '/config');
  assert.equal(json['OPENVIDU_PUBLICURL'], running.url);
  const document = await ApiDocument.of(running.url);
  const [server] = (document.json as { servers?: { url: string }[] }).servers ?? [];
  assert.equal(server?.url, running.url);
  assert.equal((await fetch(`${server.url}/openvidu/api/openapi.json`)).status, 200);
});

test('phones, which bypass the proxy, get tokens without the prefix', async () => {
  const [page = ''] = running.cluster.lan?.pages ?? [];
  const [, ca = ''] = readFileSync(join(running.cluster.stateDir, 'lan.crt'), 'utf8').split(/(?<=END CERT.*\n)/);
  const post = (target: string, body: object, more: Record<string, string>): Promise<RawAnswer> => {
    const headers = { origin: page, 'content-type': 'application/json', ...more };
    return rawRequest(page, { method: 'POST', target, ca, headers, body: JSON.stringify(body) });
  };
  const { key } = JSON.parse((await post('/demo/api/page-key', {}, {})).body) as { key: string };
  const answer = await post('/demo/api/token', { room: 'phones' }, { [PAGE_KEY_HEADER]: key });
  const { token } = JSON.parse(answer.body) as { token: string };
  assert.ok(token.startsWith(`${page.replace('https', 'wss')}?sessionId=phones&`), token);
});

test('a proxy that does not strip its prefix causes a named error for the application’s server, for a client and in the log', async () => {
  const rejoin = new OpenVidu(lazyUrl, running.cluster.secret);
  await assert.rejects(rejoin.createSession({ customSessionId: 'never' }), ({ status, message }) => {
    assert.equal(status, 404);
    assert.match(message, /PREFIX_NOT_STRIPPED: .*"\/site"/);
    assert.match(message, /location \/site\/ { proxy_pass http:\/\/balancer\/; }/);
    return true;
  });
  const refused = await rawRequest(lazyUrl, { target: '/site/rejoin', headers: UPGRADE });
  assert.equal(refused.status, 404);
  assert.match(refused.body, /PREFIX_NOT_STRIPPED/);
  const logged = await until('it is logged', () =>
    running.log('balancer-1').find(({ reason }) => String(reason).startsWith('PREFIX_NOT_STRIPPED')),
  );
  assert.equal(logged['path'], '/site/rejoin');
  // Also if the proxy leads to a master directly, as HAProxy may.
  const { url } = running.node('master-1');
  for (const [target, headers] of [
    ['/site/rejoin', UPGRADE],
    ['/site/openvidu/api/sessions', {}],
  ] as const) {
    const answer = await rawRequest(url, { target, headers });
    assert.equal(answer.status, 404, target);
    assert.match(answer.body, /PREFIX_NOT_STRIPPED/, target);
  }
  assert.doesNotMatch((await rawRequest(url, { target: '/site/other' })).body, /PREFIX/);
});
