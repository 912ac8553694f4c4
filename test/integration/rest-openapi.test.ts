import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { ApiDocument } from '../fixtures/rest/api-document.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
let document: ApiDocument;
before(async () => {
  running = await RunningCluster.start();
  document = await ApiDocument.of(running.url);
});
after(() => running.stop());

interface Call {
  readonly status: number;
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Waits until the request can succeed. */
  readonly ready?: () => Promise<unknown>;
}

test('the document is valid, and every master serves the same one, without credentials', async () => {
  assert.equal(document.json.openapi, '3.1.0');
  const { valid, errors } = await new Validator().validate(document.json as object as Record<string, unknown>);
  assert.ok(valid, JSON.stringify(errors));
  const other = await ApiDocument.of(running.node('master-2').url);
  assert.deepEqual(other.json, document.json);
  const ids = document.operations.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id, statuses } of document.operations) assert.ok(statuses.includes(503), id);
});

test('every operation answers as documented, in success and in failure', async () => {
  await running.rest('POST', '/sessions', {
    customSessionId: 'known',
    mediaNode: { id: 'media-1' },
    defaultRecordingProperties: { name: 'r' },
  });
  const member = await Asker.join(running, 'known', { role: 'PUBLISHER', data: 'd' });
  const other = await Asker.join(running, 'known');
  const streamId = await member.publish();
  await member.publish('audio');
  const transport = await other.receiveTransport();
  await other.request('subscribe', { streamId, transport });
  const pending = await running.rest('POST', '/sessions/known/connection', {
    customIceServers: [{ urls: ['stun:a', 'stun:b'] }, { url: 'turn:a', username: 'u', credential: 'c' }],
  });
  const place = `/sessions/known/connection/${pending.json['id']}`;
  const key = { 'idempotency-key': 'k' };
  const wrong: Call = {
    status: 400,
    body: { role: 'KING', session: 'known', type: 5, deadlineMs: -1, status: '', failover: '' },
  };
  const never = { status: 404 } as const;

  const allIsWell = () => until('all is well', async () => (await running.rest('GET', '/health')).status === 200);
  const { pid } = running.node('media-2');
  const mediaNodeIsBack = async (): Promise<void> => {
    await running.restarted('media-2', pid);
    await running.rested();
  };

  const calls: Record<string, readonly Call[]> = {
    getOpenApi: [{ status: 200 }],
    createSession: [
      { status: 200, body: { customSessionId: 'made' }, headers: key },
      { status: 409, body: { customSessionId: 'made' } },
      { status: 422, body: { customSessionId: 'made', failover: 'takeover' }, headers: key },
      { status: 501, body: { recordingMode: 'ALWAYS' } },
      { ...never, body: { mediaNode: { id: 'media-9' } } },
      wrong,
    ],
    listSessions: [{ status: 200 }, { status: 200, path: '/sessions?pendingConnections=true' }],
    getSession: [
      { status: 200, path: '/sessions/known' },
      { status: 200, path: '/sessions/known?pendingConnections=true' },
      { status: 400, path: '/sessions/known?pendingConnections=5' },
      { ...never, path: '/sessions/none' },
    ],
    closeSession: [
      { status: 204, path: '/sessions/made' },
      { ...never, path: '/sessions/made' },
    ],
    createConnection: [
      { status: 200, path: '/sessions/known/connection', headers: key },
      { status: 422, path: '/sessions/known/connection', body: { data: 'd' }, headers: key },
      { ...wrong, path: '/sessions/known/connection' },
      { status: 415, path: '/sessions/known/connection', body: 'data', headers: { 'content-type': 'text/plain' } },
      { status: 413, path: '/sessions/known/connection', body: { data: 'x'.repeat(1024 * 1024) } },
      { ...never, path: '/sessions/none/connection' },
    ],
    listConnections: [
      { status: 200, path: '/sessions/known/connection' },
      { ...never, path: '/sessions/none/connection' },
    ],
    getConnection: [
      { status: 200, path: place },
      { status: 200, path: `/sessions/known/connection/${member.id}` },
      { status: 200, path: `/sessions/known/connection/${other.id}` },
      { ...never, path: '/sessions/known/connection/con_x' },
    ],
    updateConnection: [
      { status: 200, path: place, body: { role: 'SUBSCRIBER', record: false } },
      { ...wrong, path: place },
      { ...never, path: '/sessions/known/connection/con_x' },
    ],
    deleteConnection: [
      { status: 204, path: place },
      { ...never, path: place },
      { status: 400, path: '/sessions/none/connection/con_x' },
    ],
    createToken: [{ status: 200, body: { session: 'known' } }, { ...wrong }, { ...never, body: { session: 'none' } }],
    sendSignal: [
      { status: 200, body: { session: 'known', data: 'd' } },
      { ...wrong },
      { ...never, body: { session: 'none' } },
      { status: 406, body: { session: 'known', to: ['con_x'] } },
    ],
    deleteStream: [
      { status: 204, path: `/sessions/known/stream/${streamId}` },
      { ...never, path: `/sessions/known/stream/${streamId}` },
      { status: 400, path: '/sessions/none/stream/str_x' },
    ],
    listNodes: [{ status: 200 }, { status: 401, headers: { authorization: 'none' } }],
    getNode: [
      { status: 200, path: '/nodes/master-2' },
      { status: 200, path: '/nodes/media-1' },
      { ...never, path: '/nodes/x' },
    ],
    listMediaNodes: [{ status: 200 }],
    getMediaNode: [
      { status: 200, path: '/media-nodes/media-1' },
      { ...never, path: '/media-nodes/x' },
    ],
    createMediaNode: [{ status: 501 }],
    updateMediaNode: [
      { status: 200, path: '/media-nodes/media-1', body: { status: 'running' } },
      { ...wrong, path: '/media-nodes/media-1' },
      { ...never, path: '/media-nodes/x', body: { status: 'running' } },
    ],
    deleteMediaNode: [
      { status: 409, path: '/media-nodes/media-1' },
      { status: 400, path: '/media-nodes/media-1?wait=perhaps' },
      { ...never, path: '/media-nodes/x' },
      { status: 202, path: '/media-nodes/media-2' },
      { status: 204, path: '/media-nodes/media-2?wait', ready: mediaNodeIsBack },
    ],
    getHealth: [{ status: 200, ready: allIsWell }],
    getConfig: [{ status: 200 }],
    listRecordings: [{ status: 200 }],
    startRecording: [{ status: 501 }],
    stopRecording: [{ status: 501, path: '/recordings/stop/r' }],
    getRecording: [{ status: 501, path: '/recordings/r' }],
    deleteRecording: [{ status: 501, path: '/recordings/r' }],
    startBroadcast: [{ status: 501 }],
    stopBroadcast: [{ status: 501 }],
    // Last, because it ends the master that answered some of these.
    drainNode: [
      { ...wrong, path: '/nodes/master-2/drain' },
      { ...never, path: '/nodes/x/drain' },
      { status: 202, path: '/nodes/master-2/drain' },
    ],
  };
  const orderOf = (id: string): number => ['getHealth', 'deleteMediaNode', 'drainNode'].indexOf(id);
  const operations = [...document.operations].sort((a, b) => orderOf(a.id) - orderOf(b.id));
  assert.deepEqual(operations.map(({ id }) => id).sort(), Object.keys(calls).sort());
  for (const operation of operations) {
    for (const { status, path = operation.path, body, headers = {}, ready } of calls[operation.id] ?? []) {
      await ready?.();
      const answer = await running.rest(operation.method, path, body, { headers });
      assert.equal(answer.status, status, `${operation.id} ${path}: ${answer.text}`);
      assert.equal(document.fault(operation, answer), undefined);
    }
  }
  for (const { client } of [member, other]) client.close();
});
