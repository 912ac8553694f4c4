import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { codeExamples } from '../fixtures/code-examples.ts';

test('the examples of the page on received media compile', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-examples-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const examples = codeExamples(readFileSync('docs/received-media.md', 'utf8'));
  assert.equal(examples.length, 1);
  const files = examples.map((example, at) => {
    const file = join(folder, `${at}.mts`);
    writeFileSync(file, example);
    return file;
  });
  const compilerOptions = { paths: { rejoin: [resolve('src/client/openvidu/index.ts')] } };
  const project = join(folder, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({ extends: resolve('tsconfig.browser.json'), include: [], compilerOptions, files }),
  );
  const compile = (): string =>
    spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', project], { encoding: 'utf8' })
      .stdout;
  assert.equal(compile(), '');
  writeFileSync(files[0] ?? '', String(examples[0]).replaceAll('getMediaStream', 'mediaOfStream'));
  assert.match(compile(), /mediaOfStream/, 'the compiler has checked nothing');
});
