import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from './consumer.ts';

const execute = promisify(execFile);

test('the links of README, SECURITY, docs and examples lead to existing files', async () => {
  const broken: string[] = [];
  for await (const page of glob(['README.md', 'SECURITY.md', 'docs/*.md', 'examples/{,*/}README.md'], { cwd: ROOT })) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!\w+:)([^)#]+)(?:#[^)]*)?\)/g)) {
      await access(join(ROOT, dirname(page), target)).catch(() => broken.push(`${page}: ${target}`));
    }
  }
  assert.deepEqual(broken, []);
});

test('the guide for OpenVidu users names existing options', async () => {
  const guide = await readFile(join(ROOT, 'docs', 'from-openvidu.md'), 'utf8');
  const named = new Set([...guide.matchAll(/(?<=[\s`(])--[a-z][a-z-]+/g)].map(([option]) => option));
  assert.ok(named.size > 10, `${named.size} options are named`);
  const helps = await Promise.all(['balancer', 'master', 'media-node'].map(helpOf));
  const known = new Set(helps.flatMap((help) => [...help.matchAll(/^ +(--[a-z-]+)/gm)].map(([, option]) => option)));
  assert.deepEqual(
    [...named].filter((option) => !known.has(option)),
    [],
  );
});

async function helpOf(command: string): Promise<string> {
  const { stdout } = await execute(process.execPath, [join(ROOT, 'src', 'server', 'cli.ts'), command, '--help']);
  return stdout;
}
