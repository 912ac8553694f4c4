import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DoorProcess, DoorProcesses } from '../fixtures/doors/processes.ts';
import { type RawAnswer, rawRequest } from '../fixtures/doors/raw-http.ts';

/** `POST /rejoin` is open to everybody, so it is small, rate-limited per address, and reveals nothing. */

const PAGE = 'https://app.example.org';
const TEXT = { 'content-type': 'text/plain;charset=UTF-8' };
const GOODBYE = { sessionId: 'room', uniqueSessionId: 'room_1', connectionId: 'con_1', resumeKey: 'guessed' };
const BODY = JSON.stringify(GOODBYE);

const processes = new DoorProcesses();
let master: DoorProcess;
let balancer: DoorProcess;
before(async () => {
  master = await processes.master('master-1', { REJOIN_ALLOWED_ORIGINS: PAGE });
  balancer = await processes.balancer('balancer-1', master);
});
after(() => processes.close());

function post(
  body: string,
  headers: Record<string, string> = TEXT,
  { base = master.url, method = 'POST', target = '/rejoin' } = {},
): Promise<RawAnswer> {
  return rawRequest(base, { method, target, headers, body });
}

describe('goodbyes over HTTP', { timeout: 60_000 }, () => {
  for (const by of ['a master', 'the balancer'] as const) {
    const at = (): { base: string } => ({ base: by === 'a master' ? master.url : balancer.url });

    it(`${by} answers the same whether the connection exists or not, and lets no page read the answer`, async () => {
      for (const headers of [TEXT, { ...TEXT, origin: PAGE }]) {
        const { status, body, headers: answered } = await post(BODY, headers, at());
        assert.deepEqual([status, body], [204, '']);
        assert.equal(answered['access-control-allow-origin'], undefined);
      }
    });

    it(`${by} refuses malformed goodbyes before looking anything up`, async () => {
      for (const [expected, body, headers] of [
        [400, 'no JSON', TEXT],
        [400, '[]', TEXT],
        [400, 'null', TEXT],
        [400, JSON.stringify({ ...GOODBYE, resumeKey: undefined }), TEXT],
        [400, JSON.stringify({ ...GOODBYE, sessionId: 7 }), TEXT],
        [400, JSON.stringify({ ...GOODBYE, sessionId: 'x'.repeat(201) }), TEXT],
        [413, JSON.stringify({ ...GOODBYE, more: 'x'.repeat(4_000) }), TEXT],
        // Another type would need a preflight, which the server does not answer.
        [415, BODY, { 'content-type': 'application/json' }],
        [403, BODY, { ...TEXT, origin: 'https://elsewhere.example' }],
        [403, BODY, { ...TEXT, origin: 'null' }],
      ] as const) {
        const { status } = await post(body, headers, at());
        assert.equal(status, expected, `${body.slice(0, 80)} ${JSON.stringify(headers)}`);
      }
    });

    it(`${by} has nothing else there`, async () => {
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
        assert.equal((await post('', {}, { ...at(), method })).status, 404, method);
      }
      for (const target of ['/rejoin/', '/rejoin/x', '/Rejoin', '/rejoin;x']) {
        assert.equal((await post(BODY, TEXT, { ...at(), target })).status, 404, target);
      }
    });
  }

  it('an address that sends very many is slowed, but no other address', async () => {
    const from = (address: string) => ({ ...TEXT, 'x-forwarded-for': address });
    let refused: RawAnswer | undefined;
    for (let sent = 0; sent < 3_000 && !refused; sent += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => post(BODY, from('203.0.113.9'))));
      refused = answers.find(({ status }) => status !== 204);
    }
    assert.equal(refused?.status, 429);
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal((await post(BODY, from('203.0.113.10'))).status, 204);
  });
});
