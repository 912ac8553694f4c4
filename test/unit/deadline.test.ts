import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebhookSender } from '../../src/server/master/webhooks/webhook-sender.ts';
import { untilAborted } from '../../src/server/shared/deadline.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { InternalClient, PeerError } from '../../src/server/shared/internal-client.ts';
import { LiveLink } from '../../src/server/shared/live-link.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { type SilentAddress, silentAddress } from '../fixtures/doors/silent-address.ts';

/** A deadline must also cover connecting, because a connection to a vanished host never completes. */
const LIMIT_MS = 400;
/** Generous for busy machines; undici by itself waits for 10 s. */
const LATEST_MS = 2_000;

let silent: SilentAddress;
before(async () => {
  silent = await silentAddress();
});
after(() => silent.close());

async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly outcome: T | unknown }> {
  const from = performance.now();
  const outcome = await work.catch((error: unknown) => error);
  return { ms: performance.now() - from, outcome };
}

function aClient(): InternalClient {
  return new InternalClient(Secrets.of('deadline-test'), 'master-1@test' as InstanceId);
}

describe('a silent address', () => {
  it('does not delay a call, nor a ping', async () => {
    const client = aClient();
    for (const work of [
      client.call(`${silent.url}/internal/up`, undefined, {}, LIMIT_MS),
      client.ping(silent.url, LIMIT_MS),
    ]) {
      const { ms, outcome } = await timed(work);
      assert.ok(outcome instanceof PeerError && outcome.failure === 'timeout', String(outcome));
      assert.ok(ms < LATEST_MS, `${ms} ms`);
    }
    await client.close();
  });

  it('does not delay the end of a liveness stream', async () => {
    const client = aClient();
    const { ms } = await timed(client.stream(`${silent.url}/internal/live`, AbortSignal.timeout(LIMIT_MS)));
    assert.ok(ms < LATEST_MS, `${ms} ms`);
    await client.close();
  });

  it('does not delay calls after the process is known to be dead', async () => {
    const client = aClient();
    const call = timed(client.call(`${silent.url}/internal/up`, undefined, {}, 30_000));
    client.drop(silent.url);
    const { ms, outcome } = await call;
    assert.ok(outcome instanceof PeerError, String(outcome));
    assert.ok(ms < LATEST_MS, `${ms} ms`);
    await client.close();
  });

  it('does not delay the close of a link that listens to it', async () => {
    const client = aClient();
    const link = new LiveLink(silent.url, client, { beatMs: 100, verdictMs: 400 });
    assert.equal(await link.confirm(), true, 'nothing was known of it');
    link.close();
    await client.close();
  });

  it('does not delay a webhook', async () => {
    const sender = new WebhookSender(silent.url, { headers: [], secret: undefined, timeoutMs: LIMIT_MS });
    const { ms, outcome } = await timed(sender.send({ id: 'evt_1', body: '{}' }));
    assert.deepEqual(outcome, { kind: 'failed', why: `no answer in ${LIMIT_MS} ms` });
    assert.ok(ms < LATEST_MS, `${ms} ms`);
    await sender.close();
  });
});

describe('untilAborted', () => {
  it('settles like the work, and hands over late results', async () => {
    const { signal } = new AbortController();
    assert.equal(await untilAborted(signal, Promise.resolve(1)), 1);
    await assert.rejects(untilAborted(signal, Promise.reject(new Error('no'))), /no/);
    const abort = new AbortController();
    let done: (value: number) => void = () => {};
    const late: number[] = [];
    const waiting = untilAborted(abort.signal, new Promise<number>((resolve) => (done = resolve)), (value) =>
      late.push(value),
    );
    abort.abort(new Error('too late'));
    await assert.rejects(waiting, /too late/);
    done(2);
    await new Promise(setImmediate);
    assert.deepEqual(late, [2]);
  });
});
