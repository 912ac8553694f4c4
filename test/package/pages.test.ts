import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from './consumer.ts';

const execute = promisify(execFile);

const PAGES = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...['docs/*.md', 'docs/guide/*.md', 'examples/{,*/}README.md'],
];

test('the links of the pages lead to existing files', async () => {
  const broken: string[] = [];
  for await (const page of glob(PAGES, { cwd: ROOT })) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!\w+:)([^)#]+)(?:#[^)]*)?\)/g)) {
      await access(join(ROOT, dirname(page), target)).catch(() => broken.push(`${page}: ${target}`));
    }
  }
  assert.deepEqual(broken, []);
});

test('the guides for deployments and for OpenVidu users name existing options', async () => {
  const guides = await Promise.all(
    ['from-openvidu.md', 'guide/deployment.md'].map((page) => readFile(join(ROOT, 'docs', page), 'utf8')),
  );
  const named = new Set([...guides.join('\n').matchAll(/(?<=[\s`(])--[a-z][a-z-]+/g)].map(([option]) => option));
  assert.ok(named.size > 10, `${named.size} options are named`);
  const helps = await Promise.all(['balancer', 'master', 'media-node'].map(helpOf));
  const known = new Set(
    helps.flatMap((help) => [...help.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option)),
  );
  assert.deepEqual(
    [...named].filter((option) => !known.has(option)),
    [],
  );
});

async function helpOf(command: string): Promise<string> {
  const { stdout } = await execute(process.execPath, [join(ROOT, 'src', 'server', 'cli.ts'), command, '--help']);
  return stdout;
}
