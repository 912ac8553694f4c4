import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts } from '../../src/server/dev/ports.ts';
import { basic, type DoorProcess, DoorProcesses, SECRET } from '../fixtures/doors/processes.ts';
import { rawRequest } from '../fixtures/doors/raw-http.ts';

/** Request targets that try to bypass the balancer's rules, sent byte by byte. */

const UPGRADE = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const processes = new DoorProcesses();
const folder = mkdtempSync(join(tmpdir(), 'rejoin-doors-files-'));
/** All requests that have reached the server of a route. */
const heard: string[] = [];
let inner: Server;
let balancer: DoorProcess;
let internalPort = 0;

before(async () => {
  writeFileSync(join(folder, 'index.html'), 'the page');
  inner = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.end('inner');
  }).listen(0, '127.0.0.1');
  [internalPort = 0] = await freePorts('127.0.0.1', 1);
  const master = await processes.master('master-1');
  const { port } = inner.address() as AddressInfo;
  const args = ['--static', folder, '--route', `/demo/api=http://127.0.0.1:${port}`];
  balancer = await processes.balancer('balancer-1', master, args, { REJOIN_INTERNAL_PORT: String(internalPort) });
});
after(async () => {
  await processes.close();
  inner.close();
  rmSync(folder, { recursive: true });
});

const REFUSED: readonly (readonly [name: string, target: string])[] = [
  ['BACKSLASH', '/openvidu/x\\..\\..\\%69nternal/ping'],
  ['BACKSLASH', '/openvidu/api/x\\..\\..\\..\\metrics'],
  ['BACKSLASH', '\\internal\\ping'],
  ['BACKSLASH', '/demo/api/x\\..\\..\\..\\internal'],
  ['ENCODED_SEPARATOR', '/openvidu/api/..%2f..%2f..%2finternal/ping'],
  ['ENCODED_SEPARATOR', '/openvidu/api/%2E%2e/%2e%2e/internal/ping'],
  ['ENCODED_SEPARATOR', '/openvidu/api/..%5C..%5c..%5cmetrics'],
  ['ENCODED_SEPARATOR', '/demo/api/%2e%2e/internal'],
  ['ENCODED_SEPARATOR', '/index%2ehtml'],
  ['PATH_NOT_NORMAL', '/openvidu/../internal/ping'],
  ['PATH_NOT_NORMAL', '/openvidu/api/./sessions'],
  ['PATH_NOT_NORMAL', '/demo/api/..'],
  ['PATH_NOT_NORMAL', '/openvidu/api/x#/internal'],
  ['EMPTY_SEGMENT', '//internal/ping'],
  ['EMPTY_SEGMENT', '/openvidu/api//sessions'],
  ['ABSOLUTE_TARGET', 'http://x/internal/ping'],
  ['ABSOLUTE_TARGET', 'http://127.0.0.1/openvidu/api/openapi.json'],
  ['ABSOLUTE_TARGET', '*'],
];

test('an ambiguous target is refused by name, and reaches no server', async () => {
  for (const method of ['GET', 'POST']) {
    for (const [name, target] of REFUSED) {
      const headers = { authorization: basic(SECRET) };
      const answer = await rawRequest(balancer.url, { method, target, headers, body: method === 'POST' ? '{}' : '' });
      assert.equal(answer.status, 400, `${method} ${target}: ${answer.status} ${answer.body}`);
      // Node's HTTP parser refuses some of them first.
      const { message } = JSON.parse(answer.body) as { message: string };
      assert.match(message, new RegExp(`^(${name}:|The request is not valid HTTP)`), `${target}: ${message}`);
    }
  }
  assert.deepEqual(heard, []);
});

test('the same for sockets', async () => {
  const targets = [...REFUSED.map(([, target]) => target), '/rejoin\\', '/x/../rejoin', '//rejoin', '/rejoin%2f'];
  for (const target of targets) {
    const answer = await rawRequest(balancer.url, { target, headers: UPGRADE });
    assert.equal(answer.status, 400, `${target}: ${answer.status} ${answer.body}`);
  }
});

test('only listed paths are forwarded, unchanged', async () => {
  const answers: readonly (readonly [status: number, target: string])[] = [
    [404, '/internal/ping'],
    [404, '/%69nternal/ping'],
    [404, '/metrics'],
    [404, '/openvidu'],
    [404, '/openvidu/internal/ping'],
    [404, '/%6fpenvidu/api/sessions'],
    [404, '/openvidu/%61pi/sessions'],
    [404, '/%64emo/api/x'],
    [404, '/openvidu/apis'],
    [200, '/openvidu/api/sessions'],
    [200, '/openvidu/api/sessions?x=http%3A%2F%2Fhost//..'],
    [200, '/openvidu/api/openapi.json'],
    [200, '/demo/api'],
    [200, '/demo/api/x.y?%2e%2e'],
    [200, '/index.html'],
  ];
  for (const [status, target] of answers) {
    const answer = await rawRequest(balancer.url, { target, headers: { authorization: basic(SECRET) } });
    assert.equal(answer.status, status, `${target}: ${answer.body.slice(0, 300)}`);
  }
  assert.deepEqual(heard, ['/demo/api', '/demo/api/x.y?%2e%2e']);
  for (const target of ['/', '/internal/live', '/openvidu/api', '/%72ejoin', '/rejoin/']) {
    assert.equal((await rawRequest(balancer.url, { target, headers: UPGRADE })).status, 404, target);
  }
});

test('the body of a request without a route is not read', async () => {
  const half = { 'content-length': '1000000', 'content-type': 'application/json' };
  const answer = await rawRequest(balancer.url, {
    method: 'POST',
    target: '/nowhere',
    headers: half,
    body: '{"half":',
  });
  assert.equal(answer.status, 404);
});

test('its metrics are not public', async () => {
  const internal = `http://127.0.0.1:${internalPort}`;
  assert.match((await rawRequest(internal, { target: '/metrics' })).body, /rejoin_balancer_healthy_masters/);
  for (const target of ['/', '/openvidu/api/sessions', '/health', '/index.html']) {
    assert.equal((await rawRequest(internal, { target })).status, 404, target);
  }
  assert.equal((await rawRequest(internal, { target: '/x/../metrics' })).status, 400);
});
