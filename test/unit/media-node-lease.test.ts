import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { Lease } from '../../src/server/media-node/lease.ts';
import { type InstanceId, newIdentity } from '../../src/server/shared/identity.ts';
import { type NodeLease, StoreError } from '../../src/server/store/store.ts';
import { until } from '../fixtures/media-node/until.ts';

const { id, instance, role, url } = newIdentity('media-node', 'media-1', 'http://127.0.0.1:1');
const lease: NodeLease = { id, instance, role, url, load: 3 };

function keep(given: { renewLease: () => Promise<InstanceId | undefined>; dropLease: () => Promise<void> }) {
  const store = { ...given, listNodes: async () => [] };
  const lines: string[] = [];
  const out = new PassThrough().on('data', (line: Buffer) =>
    lines.push((JSON.parse(String(line)) as { msg: string }).msg),
  );
  const kept = new Lease({ store, lease: () => lease, leaseRenewMs: 1, leaseMs: 5, log: pino(out) });
  return { kept, lines };
}

describe('Lease', () => {
  it('keeps trying while the store is away, and logs this once, like its return', async () => {
    let away = true;
    let renewals = 0;
    let attempts = 0;
    const { kept, lines } = keep({
      renewLease: async () => {
        attempts += 1;
        if (away) throw new StoreError('unavailable', 'no store');
        renewals += 1;
      },
      dropLease: async () => {},
    });
    await until('attempts', () => attempts > 3);
    assert.deepEqual(lines, ['The store does not answer, so the lease is not renewed; media goes on.']);
    away = false;
    await until('renewals', () => renewals > 3);
    assert.deepEqual(lines.slice(1), ['The store answers again; renewed the lease.']);
    away = true;
    await until('away again', () => lines.length === 3);
    await kept.close();
  });

  it('is dropped at the end, after the pending renewal', async () => {
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const { kept } = keep({
      renewLease: async () => {
        await promise;
        order.push('renewed');
      },
      dropLease: async () => void order.push('dropped'),
    });
    const closed = kept.close();
    resolve();
    await closed;
    assert.deepEqual(order, ['renewed', 'dropped']);
  });

  it('ends without a store, too', async () => {
    const { kept, lines } = keep({
      renewLease: async () => {},
      dropLease: () => Promise.reject(new StoreError('unavailable', 'no store')),
    });
    await kept.close();
    assert.deepEqual(lines, ['Failed to drop the lease; it will expire.']);
  });
});
