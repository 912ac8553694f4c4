/**
 * The documentation site: the reference of the SDKs by TypeDoc, the REST API from its OpenAPI document, and VitePress around both.
 * `npm run docs` builds it into `docs/.vitepress/dist` and checks its links; `npm run docs -- dev` shows it while it is written.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { restPage } from './rest-page.ts';
import { deadLinks } from './site-links.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SITE = join(ROOT, 'docs', '.vitepress', 'dist');
const TYPEDOC = ['--import', new URL('typescript-api.mjs', import.meta.url).href, 'node_modules/typedoc/bin/typedoc'];
const VITEPRESS = ['node_modules/vitepress/bin/vitepress.js'];

const HELP = `npm run docs [-- dev]

  Builds the documentation site into docs/.vitepress/dist and checks its links.

  dev    serves the site, and builds pages again when they change
`;

async function main([command = 'build', ...rest]: readonly string[]): Promise<number> {
  if (command === '--help' || command === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  if (rest.length > 0 || (command !== 'build' && command !== 'dev')) {
    process.stderr.write(`There is no "${[command, ...rest].join(' ')}".\n\n${HELP}`);
    return 2;
  }
  const reference = await node([...TYPEDOC, '--logLevel', 'Warn']);
  if (reference !== 0) return reference;
  await writeFile(join(ROOT, 'docs', 'api', 'rest.md'), await restPage());
  if (command === 'dev') return node([...VITEPRESS, 'dev', 'docs']);
  const site = await node([...VITEPRESS, 'build', 'docs', '--logLevel', 'warn']);
  if (site !== 0) return site;
  const dead = await deadLinks(SITE);
  for (const link of dead) process.stderr.write(`Dead link: ${link}\n`);
  if (dead.length === 0) process.stdout.write('The site is in docs/.vitepress/dist, and its links lead somewhere.\n');
  return dead.length === 0 ? 0 : 1;
}

function node(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
