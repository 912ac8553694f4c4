import assert from 'node:assert/strict';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { workerBin } from 'mediasoup';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'rejoin-link-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const { linkWorker } = (await import(pathToFileURL(join(ROOT, 'scripts/setup/worker-link.mjs')).href)) as {
  linkWorker(worker: string, log: PassThrough, modules: string): void;
};
/** mediasoup's default path, if the environment names none. */
const EXPECTED = 'mediasoup/worker/out/Release/mediasoup-worker';

test("the installed worker is at mediasoup's default path", () => {
  assert.ok(process.env['MEDIASOUP_WORKER_BIN'] !== undefined || workerBin?.endsWith(EXPECTED), workerBin);
  for (const worker of ['first', 'first', 'second']) {
    linkWorker(join(folder, worker), new PassThrough(), folder);
    assert.equal(readlinkSync(join(folder, EXPECTED)), join(folder, worker));
  }
});

test('if no link can be made, set-up continues and says how to set the path', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const log = new PassThrough();
  linkWorker('/cache/mediasoup-worker', log, file);
  assert.match(String(log.read()), /export MEDIASOUP_WORKER_BIN=\/cache\/mediasoup-worker/);
});
