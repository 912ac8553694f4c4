import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
after(() => running.stop());

/** A member of the session, which must not notice the bad frames. */
async function bystander(sessionId: string): Promise<RawClient> {
  const client = await RawClient.join(running.socketUrl, await running.token(sessionId));
  await client.frame('welcome');
  return client;
}

async function unharmed(client: RawClient): Promise<void> {
  assert.equal(client.closed, undefined);
  const before = client.frames.length;
  client.send({ t: 'ping' });
  await until('the bystander is answered', () => client.frames.slice(before).some(({ t }) => t === 'pong'));
}

test('invalid frames: a named error, a close, and no effect on others', async () => {
  const other = await bystander('frames');
  const cases: [unknown, string, number][] = [
    ['{', 'FRAME_MALFORMED', 4400],
    ['"text"', 'FRAME_MALFORMED', 4400],
    [Buffer.from([1, 2, 3]), 'FRAME_MALFORMED', 4400],
    [{ t: 'dance' }, 'FRAME_MALFORMED', 4400],
    [{ t: 'req', id: 1, method: 'signal', data: { id: 'x' } }, 'HELLO_EXPECTED', 4400],
    [{ t: 'hello', v: 1, sdk: 'test' }, 'HELLO_EXPECTED', 4401],
    [{ t: 'ping', pad: 'x'.repeat(70_000) }, 'FRAME_TOO_LARGE', 4413],
  ];
  for (const [frame, code, closeCode] of cases) {
    const client = new RawClient(running.socketUrl);
    await client.opened();
    client.send(frame);
    const { code: closed } = await client.closing();
    const last = client.frames.at(-1);
    assert.ok(last && (last.t === 'error' || last.t === 'refused'), JSON.stringify(client.frames));
    assert.equal(last.error.code, code);
    assert.ok(last.error.action.length > 10);
    assert.equal(closed, closeCode, code);
  }
  await unharmed(other);
  for (const id of ['master-1', 'master-2']) assert.ok(running.node(id).pid > 0);
  const logged = ['master-1', 'master-2'].flatMap((id) => running.log(id)).filter(({ level }) => Number(level) >= 40);
  // Once each, because a misbehaving client must not fill the disk.
  assert.equal(logged.length, cases.length, JSON.stringify(logged, undefined, 1));
  other.close();
});

test('invalid tokens and sessions', async () => {
  const token = await running.token('tokens');
  const first = await RawClient.join(running.socketUrl, token, 'first');
  await first.frame('welcome');
  const refusals: [string, string, string][] = [
    [token, 'second', 'TOKEN_USED'],
    [token.replace(/tok_.*/, 'tok_0000000000000000'), 'a', 'TOKEN_UNKNOWN'],
    [token.replace('sessionId=tokens', 'sessionId=elsewhere'), 'a', 'SESSION_UNKNOWN'],
  ];
  for (const [bad, key, code] of refusals) {
    const client = await RawClient.join(running.socketUrl, bad, key);
    assert.equal((await client.frame('refused')).error.code, code);
    assert.equal((await client.closing()).code, 4401);
  }
  // The same hello comes from the same client after a lost welcome: it gets the existing connection.
  const again = await RawClient.join(running.socketUrl, token, 'first');
  const welcome = await again.frame('welcome');
  assert.equal(welcome.connectionId, (await first.frame('welcome')).connectionId);
  assert.equal((await first.closing()).code, 4409);
  const hello = { v: 2, join: { sessionId: 'tokens', token: 'x', key: 'k', metadata: '' } };
  const newer = await RawClient.hello(running.socketUrl, hello);
  assert.equal((await newer.frame('refused')).error.code, 'VERSION_UNSUPPORTED');
  const forged = { ...welcome, resumeKey: 'not-the-key', received: 0, nextRequest: 1 };
  const thief = await RawClient.hello(running.socketUrl, { resume: forged });
  assert.equal((await thief.frame('refused')).error.code, 'RESUME_REFUSED');
  await unharmed(again);
  again.close();
});

test('impossible requests get a named error, and the connection continues', async () => {
  const client = await bystander('requests');
  const requests: [string, unknown, string][] = [
    ['dance', {}, 'METHOD_UNKNOWN'],
    ['__proto__', {}, 'METHOD_UNKNOWN'],
    ['signal', {}, 'PARAMS_INVALID'],
    ['signal', { id: '1', to: ['con_0000000000'] }, 'CONNECTION_UNKNOWN'],
    ['subscribe', { streamId: 'str_x', transport: 't' }, 'PARAMS_INVALID'],
    ['unpublish', { streamId: 'str_x' }, 'STREAM_UNKNOWN'],
    ['connectTransport', { key: 'none', dtlsParameters: {} }, 'TRANSPORT_UNKNOWN'],
    [
      'publish',
      { key: 'abcd', transport: 'none', producers: [{ kind: 'audio', rtpParameters: {}, active: true }] },
      'TRANSPORT_UNKNOWN',
    ],
  ];
  for (const [at, [method, data]] of requests.entries()) client.send({ t: 'req', id: at + 1, method, data });
  const answers = await until('all are answered', () => {
    const found = client.frames.filter((frame) => frame.t === 'res');
    return found.length === requests.length && found;
  });
  for (const [at, [method, , code]] of requests.entries()) {
    const answer = answers.find(({ id }) => id === at + 1);
    assert.ok(answer && 'error' in answer, method);
    assert.equal(answer.error.code, code, method);
  }
  // Only the media node can judge these parameters.
  client.send({ t: 'req', id: requests.length + 1, method: 'createTransport', data: { key: 't', direction: 'send' } });
  const codecs = [{ mimeType: 'audio/nothing', payloadType: 100, clockRate: 48_000 }];
  const producers = [{ kind: 'audio', rtpParameters: { codecs, encodings: [{ ssrc: 1 }] }, active: true }];
  client.send({
    t: 'req',
    id: requests.length + 2,
    method: 'publish',
    data: { key: 'abcd', transport: 't', producers },
  });
  const last = await until('the media node has judged', () =>
    client.frames.find((frame) => frame.t === 'res' && frame.id === requests.length + 2),
  );
  assert.ok(last.t === 'res' && 'error' in last, JSON.stringify(last));
  assert.equal(last.error.code, 'MEDIA_REFUSED');
  await unharmed(client);
  client.close();
});

test('a silent socket is closed with a named error', async () => {
  const client = new RawClient(running.socketUrl);
  await client.opened();
  const { code } = await until('it is closed', () => client.closed, 8_000);
  // A code to resume, because the hello may be on its way over a slow link.
  assert.equal(code, 4408);
  assert.equal((await client.frame('error')).error.code, 'HELLO_EXPECTED');
});
