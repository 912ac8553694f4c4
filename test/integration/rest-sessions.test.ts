import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';

/** The origin of a foreign page that may use the API. */
const PAGE = 'https://app.example.org';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ corsOrigins: [PAGE] });
});
after(() => running.stop());

test('everything at its default: left out, null, or empty', async () => {
  const nothing = {
    customSessionId: null,
    mediaMode: null,
    recordingMode: null,
    defaultRecordingProperties: null,
    mediaNode: null,
    forcedVideoCodec: null,
    allowTranscoding: null,
    failover: null,
  };
  const fields = [
    ['id', 'object', 'sessionId', 'createdAt', 'recording', 'broadcasting', 'mediaMode', 'recordingMode'],
    [
      'defaultRecordingProperties',
      'customSessionId',
      'forcedVideoCodec',
      'allowTranscoding',
      'failover',
      'connections',
    ],
  ].flat();
  for (const body of [undefined, {}, nothing, { customSessionId: '' }]) {
    const { status, json } = await running.rest('POST', '/sessions', body);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), fields);
    const { id, createdAt, ...rest } = json;
    assert.match(String(id), /^ses_[A-Za-z0-9]{10}$/);
    assert.ok(Math.abs(Number(createdAt) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      object: 'session',
      sessionId: id,
      recording: false,
      broadcasting: false,
      mediaMode: 'ROUTED',
      recordingMode: 'MANUAL',
      defaultRecordingProperties: {},
      customSessionId: null,
      forcedVideoCodec: 'VP8',
      allowTranscoding: false,
      failover: 'rebuild',
      connections: { numberOfElements: 0, content: [] },
    });
  }
});

test('the requested properties are returned, the same each time', async () => {
  const asked = {
    customSessionId: 'A-z_0',
    mediaMode: 'RELAYED',
    recordingMode: 'MANUAL',
    defaultRecordingProperties: {
      name: 'r',
      hasAudio: false,
      frameRate: 25,
      mediaNode: { id: 'm' },
      nobody: { knows: 1 },
    },
    mediaNode: { id: 'media-2' },
    forcedVideoCodec: 'NONE',
    allowTranscoding: true,
    failover: 'takeover',
    newInSomeVersion: { of: ['OpenVidu'] },
  };
  const made = await running.rest('POST', '/sessions', asked);
  assert.equal(made.status, 200, made.text);
  assert.deepEqual(made.json['defaultRecordingProperties'], {
    name: 'r',
    hasAudio: false,
    frameRate: 25,
    mediaNode: { id: 'm' },
  });
  const shown = { customSessionId: 'A-z_0', mediaNode: { id: 'media-2' }, forcedVideoCodec: 'NONE' };
  for (const [name, value] of Object.entries({ ...shown, allowTranscoding: true, failover: 'takeover' })) {
    assert.deepEqual(made.json[name], value, name);
  }
  for (const master of ['master-1', 'master-2']) {
    const got = await running.rest('GET', '/sessions/A-z_0', undefined, { base: running.node(master).url });
    assert.deepEqual(got.json, made.json);
  }
});

test('an existing session gets an empty 409, from every master', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'twice' });
  for (const master of ['master-1', 'master-2']) {
    const { url } = running.node(master);
    const { status, text } = await running.rest('POST', '/sessions', { customSessionId: 'twice' }, { base: url });
    assert.deepEqual([status, text], [409, '']);
  }
});

test('ids of all allowed lengths lead to their session', async () => {
  const id = 'x'.repeat(128);
  assert.equal((await running.rest('POST', '/sessions', { customSessionId: id })).status, 200);
  assert.equal((await running.rest('POST', `/sessions/${id}/connection`)).status, 200);
  assert.equal((await running.rest('GET', `/sessions/${id}/connection`)).json['numberOfElements'], 1);
  assert.equal((await running.rest('DELETE', `/sessions/${id}`)).status, 204);
  assert.equal((await running.rest('GET', `/sessions/${'x'.repeat(5_000)}`)).status, 404);
});

test('each wrong field is named, and nothing is made', async () => {
  const before = (await running.rest('GET', '/sessions')).json['numberOfElements'];
  const wrong: [number, RegExp, object][] = [
    [400, /customSessionId/, { customSessionId: 'a b' }],
    [400, /customSessionId/, { customSessionId: 'x'.repeat(129) }],
    [400, /customSessionId/, { customSessionId: ['a'] }],
    [400, /customSessionId/, { customSessionId: 5 }],
    [400, /mediaMode must be one of ROUTED, RELAYED/, { mediaMode: 'DIRECT' }],
    [400, /recordingMode must be one of MANUAL, ALWAYS/, { recordingMode: 'SOMETIMES' }],
    [501, /recordingMode.*Use MANUAL/, { recordingMode: 'ALWAYS' }],
    [400, /forcedVideoCodec must be one of .*VP8/, { forcedVideoCodec: 'AV1' }],
    [501, /Video cannot be H264.*Use VP8/, { forcedVideoCodec: 'H264' }],
    [400, /allowTranscoding/, { allowTranscoding: 'yes' }],
    [400, /defaultRecordingProperties must be/, { defaultRecordingProperties: 'none' }],
    [400, /defaultRecordingProperties\/hasAudio/, { defaultRecordingProperties: { hasAudio: 1 } }],
    [400, /mediaNode.*id/, { mediaNode: {} }],
    [400, /mediaNode/, { mediaNode: 'media-1' }],
    [404, /no media node media-9.*media-1, media-2/, { mediaNode: { id: 'media-9' } }],
    [400, /failover must be one of rebuild, takeover/, { failover: 'prayer' }],
  ];
  for (const [status, message, body] of wrong) {
    const answer = await running.rest('POST', '/sessions', body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
    assert.match(String(answer.json['message']), message);
    assert.equal(answer.json['status'], status);
    assert.equal(answer.json['path'], '/openvidu/api/sessions');
  }
  assert.equal((await running.rest('GET', '/sessions')).json['numberOfElements'], before);
});

test('a session is hosted on its requested media node', async () => {
  for (const id of ['media-1', 'media-2', 'media-1']) {
    const { json } = await running.rest('POST', '/sessions', { mediaNode: { id } });
    const sessionId = String(json['id']);
    assert.equal(json['mediaNodeId'], undefined);
    const { client } = await Asker.join(running, sessionId);
    const joined = await running.rest('GET', `/sessions/${sessionId}`);
    assert.equal(joined.json['mediaNodeId'], id);
    client.close();
  }
});

test('credentials: the scheme in any case, nothing else', async () => {
  const secret = running.cluster.secret;
  const right = Buffer.from(`OPENVIDUAPP:${secret}`).toString('base64');
  const cases: [number, string | undefined][] = [
    [200, `Basic ${right}`],
    [200, `basic ${right}`],
    [401, undefined],
    [401, ''],
    [401, right],
    [401, `Bearer ${right}`],
    [401, `Basic ${right}x`],
    [401, `Basic ${Buffer.from(`openviduapp:${secret}`).toString('base64')}`],
    [401, 'Basic !!!'],
  ];
  for (const [status, authorization] of cases) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answer = await fetch(`${running.url}/openvidu/api/sessions`, { headers });
    assert.equal(answer.status, status, authorization);
    const text = await answer.text();
    if (status === 200) continue;
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /);
    assert.match(text, /OPENVIDUAPP/);
    assert.ok(!text.includes(secret));
  }
});

test('a page of another origin needs an entry in the list', async () => {
  const preflight = (origin: string, base = running.url): Promise<Response> =>
    fetch(`${base}/openvidu/api/sessions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });
  for (const base of [running.url, running.node('master-1').url]) {
    const answer = await preflight(PAGE, base);
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), PAGE);
    assert.match(answer.headers.get('access-control-allow-methods') ?? '', /POST.*PATCH.*DELETE/);
    assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization,content-type,idempotency-key');
    for (const origin of ['https://evil.example', 'null', `${PAGE}.evil.example`]) {
      const refused = await preflight(origin, base);
      assert.equal(refused.status, 401, origin);
      assert.equal(refused.headers.get('access-control-allow-origin'), null);
      assert.equal(refused.headers.get('access-control-allow-methods'), null);
    }
  }
  // The page can read errors, too.
  const refused = await running.rest('GET', '/sessions/none', undefined, { headers: { origin: PAGE } });
  assert.equal(refused.headers.get('access-control-allow-origin'), PAGE);
  const other = await running.rest('GET', '/sessions/none', undefined, { headers: { origin: 'https://evil.example' } });
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('bodies: an empty one of any type, otherwise only JSON', async () => {
  const send = (type: string | undefined, body: string | undefined, method = 'POST') =>
    running.rest(method, method === 'POST' ? '/sessions' : '/sessions/none', body, {
      headers: type === undefined ? {} : { 'content-type': type },
    });
  assert.equal((await send('application/x-www-form-urlencoded', undefined)).status, 200);
  assert.equal((await send('application/x-www-form-urlencoded', undefined, 'DELETE')).status, 404);
  assert.equal((await send('application/json; charset=utf-8', '{}')).status, 200);
  assert.equal((await send('application/json', '')).status, 200);
  assert.equal((await send('text/plain', '{}')).status, 415);
  assert.equal((await send('text/plain', 'whatever', 'DELETE')).status, 404);
  assert.equal((await send('application/json', '{', 'DELETE')).status, 404);
  assert.equal((await send('application/json', `{"customSessionId":"${'x'.repeat(1024 * 1024)}"}`)).status, 413);
  assert.equal((await send('application/json', '{"__proto__":{"a":1}}')).status, 400);
  const deep = `{"unknown":${'['.repeat(100_000)}${']'.repeat(100_000)},"customSessionId":"deep"}`;
  assert.equal((await send('application/json', deep)).status, 200);
  // The other master forwards it.
  await running.rest('POST', '/sessions', { customSessionId: 'deep-2' }, { base: running.node('master-1').url });
  const passed = await running.rest('POST', '/sessions/deep-2/connection', deep, {
    base: running.node('master-2').url,
  });
  assert.equal(passed.status, 200, passed.text);
});

test('unsupported features get a clear error', async () => {
  const recordings = await running.rest('GET', '/recordings');
  assert.deepEqual([recordings.status, recordings.text], [200, '{"count":0,"items":[]}']);
  const unsupported: [string, string, unknown?][] = [
    ['POST', '/recordings/start', { session: 'one' }],
    ['POST', '/recordings/start', '{oops'],
    ['POST', '/recordings/stop/r'],
    ['GET', '/recordings/r'],
    ['DELETE', '/recordings/r'],
    ['POST', '/broadcast/start', { session: 'one', broadcastUrl: 'rtmp://x' }],
    ['POST', '/broadcast/stop', {}],
    ['POST', '/media-nodes'],
  ];
  for (const [method, path, body] of unsupported) {
    const { status, json, text } = await running.rest(method, path, body);
    assert.equal(status, 501, `${method} ${path}: ${text}`);
    assert.equal(json['error'], 'Not Implemented');
    assert.match(String(json['message']), /not supported|cannot launch machines. Start "rejoin media-node"/);
  }
});

test('the configuration is true, and contains no secret', async () => {
  const { status, json, text } = await running.rest('GET', '/config');
  assert.equal(status, 200);
  assert.equal(json['OPENVIDU_PUBLICURL'], running.url);
  assert.equal(json['DOMAIN_OR_PUBLIC_IP'], 'localhost');
  assert.equal(json['HTTPS_PORT'], undefined);
  assert.equal(json['OPENVIDU_RECORDING'], false);
  assert.equal(json['OPENVIDU_SESSIONS_GARBAGE_THRESHOLD'], 3_600);
  assert.match(String(json['VERSION']), /^\d+\.\d+\.\d+/);
  assert.ok(!text.includes(running.cluster.secret));
});
