import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insisting } from '../../src/client/media/insisting.ts';
import type { Request } from '../../src/client/media/media-plane.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../src/protocol/errors.ts';

/** Fails with these codes in turn, and then answers. */
function failing(...codes: ProtocolErrorCode[]): { request: Request; asked: string[] } {
  const asked: string[] = [];
  const request: Request = async (method, data) => {
    asked.push(`${method} ${JSON.stringify(data)}`);
    const code = codes.shift();
    if (code) throw new ProtocolError(code);
    return {} as never;
  };
  return { request, asked };
}

test('a request that a media node could not serve is repeated unchanged', async () => {
  const { request, asked } = failing('UNAVAILABLE', 'UNAVAILABLE');
  await insisting(request, () => true)('restartIce', { key: 'a' });
  assert.deepEqual(
    asked,
    Array.from({ length: 3 }, () => 'restartIce {"key":"a"}'),
  );
});

test('a refusal is final, and repetitions have a limit', async () => {
  const refused = failing('NOT_PERMITTED');
  await assert.rejects(insisting(refused.request, () => true)('restartIce', { key: 'a' }), { code: 'NOT_PERMITTED' });
  assert.equal(refused.asked.length, 1);
  const gone = failing('UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE');
  const twice = insisting(gone.request, (attempts) => attempts < 2);
  await assert.rejects(twice('restartIce', { key: 'a' }), { code: 'UNAVAILABLE' });
  assert.equal(gone.asked.length, 2);
});
