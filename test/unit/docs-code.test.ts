import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { ExceptionEventName, RejoinErrorName } from '../../src/client/errors.ts';
import { API_ERRORS } from '../../src/node-client/api-error.ts';
import { PROTOCOL_ERRORS } from '../../src/protocol/errors.ts';

/** Code in the guides compiles against the sources of the SDKs, and what they name is there. */

const PAGES = ['scripts/docs/reference.md', ...globSync('docs/guide/*.md').sort()];
/** The globals of a script tag. */
const GLOBALS = "declare const Rejoin: typeof import('rejoin');\nexport {};\n";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'rejoin-docs-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Example {
  readonly file: string;
  readonly code: string;
}

/** The programs of a page: TypeScript, and the scripts in HTML and in Vue's components. */
function examplesOf(page: string): Example[] {
  const name = basename(page, '.md');
  const blocks = readFileSync(page, 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, language, code = ''], at) => {
    const file = `${name}-${at}`;
    if (language === 'ts') return { file: `${file}.mts`, code };
    if (language === 'tsx') return { file: `${file}.tsx`, code };
    const [, script] = /<script(?: setup lang="ts")?>\n(.*?)<\/script>/s.exec(code) ?? [];
    if (script === undefined) return [];
    if (language === 'vue') return { file: `${file}.mts`, code: `${script}\nexport {};\n` };
    return language === 'html' ? { file: `${file}.ts`, code: `${GLOBALS}${script}` } : [];
  });
}

/** The compiler's word on these programs. */
function compile(examples: readonly Example[]): string {
  for (const { file, code } of examples) writeFileSync(join(folder, file), code);
  const compilerOptions = {
    paths: {
      rejoin: [resolve('src/client/openvidu/index.ts')],
      'rejoin/node-client': [resolve('src/node-client/index.ts')],
      react: [resolve('node_modules/@types/react/index.d.ts')],
      'react/jsx-runtime': [resolve('node_modules/@types/react/jsx-runtime.d.ts')],
      vue: [resolve('node_modules/vue/dist/vue.d.mts')],
    },
    lib: ['ES2024', 'DOM', 'DOM.Iterable'],
    module: 'ESNext',
    moduleResolution: 'Bundler',
    typeRoots: [resolve('node_modules/@types')],
    types: ['node'],
    jsx: 'react-jsx',
    // Scripts of a page are JavaScript: their parameters have no types.
    noImplicitAny: false,
    verbatimModuleSyntax: false,
    // A component's template uses what its script has.
    noUnusedLocals: false,
    skipLibCheck: true,
  };
  const project = join(folder, 'tsconfig.json');
  const files = examples.map(({ file }) => file);
  writeFileSync(project, JSON.stringify({ extends: resolve('tsconfig.base.json'), compilerOptions, files }));
  const { stdout } = spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', project], {
    encoding: 'utf8',
  });
  return stdout;
}

test('the code in the guides and in the reference compiles', () => {
  const examples = PAGES.flatMap(examplesOf);
  assert.ok(examples.length > 20, `${examples.length} examples`);
  for (const kind of ['.mts', '.tsx', '.ts'])
    assert.ok(
      examples.some(({ file }) => file.endsWith(kind)),
      kind,
    );
  assert.equal(compile(examples), '');
  const wrong = examples.map(({ file, code }) => ({ file, code: code.replaceAll('initSession', 'makeSession') }));
  const complaints = compile(wrong);
  for (const { file, code } of wrong) {
    if (code.includes('makeSession')) assert.ok(complaints.includes(file), `the compiler has not looked at ${file}`);
  }
});

test('the page about trouble has every error by its name', () => {
  const page = readFileSync('docs/guide/troubleshooting.md', 'utf8');
  const names = [RejoinErrorName, ExceptionEventName, PROTOCOL_ERRORS, API_ERRORS].flatMap((errors) =>
    Object.keys(errors),
  );
  assert.ok(names.length > 50);
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('the commands and suites that the pages name are there', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const text = [...PAGES, 'docs/architecture.md', 'CONTRIBUTING.md']
    .map((page) => readFileSync(page, 'utf8'))
    .join('\n');
  const named = new Set([...text.matchAll(/npm run ([a-z]+)/g)].map(([, name = '']) => name));
  assert.ok(named.size > 5);
  assert.deepEqual(
    [...named].filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});
