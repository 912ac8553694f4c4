import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { codeExamples } from '../fixtures/code-examples.ts';
import { originalSdk, rejoinSdk } from '../fixtures/node-client/server-sdk.ts';
import { serverSdkSuite } from '../fixtures/node-client/server-sdk-suite.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start();
});
beforeEach(() => running.rested());
after(() => running.stop());

const there = (): RunningCluster => running;
serverSdkSuite(rejoinSdk(there), there);
serverSdkSuite(originalSdk(there), there);

test('the examples of the guide work', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-guide-'));
  const sdk = pathToFileURL(resolve('src/node-client/index.ts')).href;
  const env = { ...process.env, REJOIN_URL: running.url, REJOIN_SECRET: running.cluster.secret };
  try {
    const said: string[] = [];
    for (const [at, example] of codeExamples(readFileSync('docs/node-client.md', 'utf8')).entries()) {
      const file = join(folder, `example-${at}.mts`);
      writeFileSync(file, example.replaceAll("'rejoin/node-client'", `'${sdk}'`));
      said.push((await promisify(execFile)(process.execPath, [file], { env })).stdout);
    }
    const [token = '', nodes = '', empty = ''] = said;
    assert.match(token, /^ws:.*[?]sessionId=lecture&token=tok_/);
    assert.match(nodes, /^master-1 master running \d+$/m);
    assert.match(empty, /The room is empty/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
