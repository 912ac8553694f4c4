import { readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';
import { dts } from 'rollup-plugin-dts';
import esbuild, { minify } from 'rollup-plugin-esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const banner = `/*! Rejoin ${version} | MIT */`;

/** What the whole SDK may weigh in a page, minified and gzipped. */
const BUDGET_BYTES = 60 * 1024;

/** What the demo's page is made of, besides its script. */
const PAGE = [
  'index.html',
  ...['style', 'join', 'stage', 'panels', 'cluster', 'timeline', 'chat'].map((name) => `${name}.css`),
];

/** Parts of mediasoup-client that no browser uses: for its own tests, and for React Native. */
const UNUSED = /mediasoup-client\/lib\/(test\/fakeParameters|handlers\/(FakeHandler|ReactNative106))(\.js)?$/;

/** Empties modules that are not used, so that they do not travel to every user. */
function leaveOut(pattern) {
  return {
    name: 'leave-out',
    load: (id) => (pattern.test(id) ? 'exports.FakeHandler = exports.ReactNative106 = class {};' : null),
  };
}

/** Server code in a browser's bundle is a mistake of the build, not a matter of size. */
function noServerCode() {
  return {
    name: 'no-server-code',
    moduleParsed({ id }) {
      if (/src\/server\/|node_modules\/(mediasoup|ws|fastify|undici|pino)\/|^node:/.test(id)) {
        this.error(`Server code in the browser bundle: ${id}. Import it from src/server only.`);
      }
    },
  };
}

function sizeBudget(bytes) {
  return {
    name: 'size-budget',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        const size = gzipSync(chunk.code, { level: 9 }).length;
        const kilobytes = (size / 1024).toFixed(1);
        if (size > bytes) this.error(`${chunk.fileName} is ${kilobytes} KB min+gzip: more than ${bytes / 1024} KB.`);
        this.info(`${chunk.fileName}: ${kilobytes} KB min+gzip of ${bytes / 1024} KB`);
      }
    },
  };
}

function copy(files) {
  return {
    name: 'copy',
    buildStart() {
      for (const from of Object.keys(files)) this.addWatchFile(from);
    },
    async writeBundle() {
      for (const [from, to] of Object.entries(files)) {
        await mkdir(to.slice(0, to.lastIndexOf('/')), { recursive: true });
        await copyFile(from, to);
      }
    },
  };
}

/** Circular imports of types are gone after compiling; those inside of dependencies are theirs. */
function onwarn(warning, warn) {
  if (warning.code === 'CIRCULAR_DEPENDENCY' && warning.ids?.every((id) => id.includes('node_modules'))) return;
  warn(warning);
}

const browser = () => [
  leaveOut(UNUSED),
  noServerCode(),
  resolve({ browser: true, preferBuiltins: false, extensions: ['.ts', '.tsx', '.mjs', '.js'] }),
  commonjs(),
  esbuild({ target: 'es2022', sourceMap: true, jsx: 'automatic', jsxImportSource: 'preact', tsconfig: false }),
];

const script = { format: 'iife', name: 'rejoin', exports: 'named', sourcemap: true, banner };

export default [
  {
    input: 'src/client/index.ts',
    onwarn,
    plugins: browser(),
    output: [
      { file: 'dist/rejoin.mjs', format: 'es', sourcemap: true, banner },
      { ...script, file: 'dist/rejoin.js' },
      {
        ...script,
        file: 'dist/rejoin.min.js',
        plugins: [minify({ legalComments: 'inline' }), sizeBudget(BUDGET_BYTES)],
      },
    ],
  },
  {
    input: 'src/client/index.ts',
    onwarn,
    plugins: [dts({ tsconfig: 'tsconfig.browser.json', respectExternal: true })],
    output: { file: 'dist/rejoin.d.mts', format: 'es' },
  },
  {
    input: 'demo/main.tsx',
    onwarn,
    plugins: [...browser(), copy(Object.fromEntries(PAGE.map((name) => [`demo/${name}`, `dist/demo/${name}`])))],
    output: { file: 'dist/demo/demo.js', format: 'iife', sourcemap: true, plugins: [minify()] },
  },
];
