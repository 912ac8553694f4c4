import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';
import { dts } from 'rollup-plugin-dts';
import esbuild from 'rollup-plugin-esbuild';
import { minify } from 'terser';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const banner = `/*! Rejoin ${version} | MIT */`;

/** What the whole SDK may weigh in a page, minified and gzipped. */
const BUDGET_BYTES = 60 * 1024;

/** What the script that stands in for OpenVidu's may weigh: it has no names but one to keep. */
const COMPAT_BUDGET_BYTES = 60 * 1024;

/** What the demo's page is made of, besides its script. */
const PAGE = [
  'index.html',
  ...['theme', 'style', 'buttons', 'join', 'stage', 'panels', 'cluster', 'timeline', 'chat'].map(
    (name) => `${name}.css`,
  ),
];

/** Parts of mediasoup-client that are not used here: for its own tests, for React Native, and for data channels. */
const UNUSED =
  /mediasoup-client\/lib\/(test\/fakeParameters|Data(Producer|Consumer)|handlers\/(FakeHandler|ReactNative106))(\.js)?$/;
/** The diaries that it and its dependencies keep, for their own developers. */
const DIARY = /node_modules\/((mediasoup-client|awaitqueue)\/lib\/Logger|debug\/src\/browser)(\.js)?$/;
/** Node's emitter, of which it uses no more than the SDK's own emitter has. */
const NODE_EMITTER = /node_modules\/events-alias\/events(\.js)?$/;

/** What compares H.264's profiles: media nodes offer VP8 only (`src/server/media-node/codecs.ts`). */
const H264 = /node_modules\/h264-profile-level-id\/lib\/index(\.js)?$/;

/** Empties modules that are not used, so that they do not travel to every user. */
function leaveOut() {
  const names = ['FakeHandler', 'ReactNative106', 'DataProducer', 'DataConsumer'];
  return {
    name: 'leave-out',
    load(id) {
      if (DIARY.test(id)) return 'exports.Logger = class { debug() {} warn() {} error() {} };';
      if (NODE_EMITTER.test(id)) {
        return `exports.EventEmitter = class extends require('eventemitter3') { setMaxListeners() {} };`;
      }
      if (H264.test(id)) return 'exports.isSameProfile = () => false;';
      return UNUSED.test(id) ? `${names.map((name) => `exports.${name} = `).join('')}class {};` : null;
    },
  };
}

/** Calls of the diary's writers have no effect worth their text. */
const treeshake = { manualPureFunctions: ['logger'] };

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

/** A sixteenth smaller than what esbuild makes of it. Names of classes are public where it matters: see their static `name`. */
function minified() {
  return {
    name: 'minified',
    async renderChunk(code) {
      const options = {
        compress: { ecma: 2022, passes: 3 },
        format: { comments: /^!/ },
        sourceMap: { asObject: true },
      };
      const { code: small, map } = await minify(code, options);
      return { code: small, map };
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

/**
 * A map holds the text of our own sources. The text of the dependencies is in the bundles that are not minified, and would be in the
 * package once more for each map. Their names stay.
 */
function ownSources() {
  return {
    name: 'own-sources',
    generateBundle(_options, bundle) {
      for (const asset of Object.values(bundle)) {
        if (asset.type !== 'asset' || !asset.fileName.endsWith('.map')) continue;
        const map = JSON.parse(String(asset.source));
        map.sourcesContent = map.sources.map((source, at) =>
          source.includes('node_modules/') ? null : map.sourcesContent[at],
        );
        asset.source = JSON.stringify(map);
      }
    },
  };
}

/** Names the authors of all that is in a bundle, as their licenses ask for. Other licenses than these need a thought. */
function notices(fileName) {
  const fine = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause'];
  return {
    name: 'notices',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds);
      const roots = new Set(modules.flatMap((id) => /[^\0]*node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []));
      const texts = [...roots].sort().map((root) => {
        const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
        const file = readdirSync(root).find((entry) => /^licen[cs]e/i.test(entry));
        if (!file || !fine.includes(license)) this.error(`${name} has the license ${license}, in file ${file}.`);
        return `${name} ${version} (${license})\n\n${readFileSync(`${root}/${file}`, 'utf8').trim()}\n`;
      });
      this.emitFile({ type: 'asset', fileName, source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
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
  leaveOut(),
  noServerCode(),
  resolve({ browser: true, preferBuiltins: false, extensions: ['.ts', '.tsx', '.mjs', '.js'] }),
  commonjs(),
  esbuild({ target: 'es2022', sourceMap: true, jsx: 'automatic', jsxImportSource: 'preact', tsconfig: false }),
];

const script = { format: 'iife', name: 'Rejoin', exports: 'named', sourcemap: true, banner };

export default [
  {
    input: 'src/client/openvidu/index.ts',
    onwarn,
    treeshake,
    plugins: browser(),
    output: [
      {
        file: 'dist/rejoin.mjs',
        format: 'es',
        sourcemap: true,
        banner,
        plugins: [ownSources(), notices('rejoin.licenses.txt')],
      },
      { file: 'dist/rejoin.cjs', format: 'cjs', exports: 'named', sourcemap: true, banner, plugins: [ownSources()] },
    ],
  },
  {
    input: 'src/client/index.ts',
    onwarn,
    treeshake,
    plugins: browser(),
    output: [
      { ...script, file: 'dist/rejoin.js', plugins: [ownSources()] },
      {
        ...script,
        file: 'dist/rejoin.min.js',
        plugins: [minified(), ownSources(), sizeBudget(BUDGET_BYTES)],
      },
    ],
  },
  {
    input: 'src/client/openvidu/index.ts',
    onwarn,
    plugins: [
      dts({ tsconfig: 'tsconfig.browser.json', respectExternal: true, compilerOptions: { stripInternal: true } }),
    ],
    output: ['mts', 'cts'].map((types) => ({ file: `dist/rejoin.d.${types}`, format: 'es' })),
  },
  {
    input: 'src/client/openvidu/compat.ts',
    onwarn,
    treeshake,
    plugins: browser(),
    output: {
      file: 'dist/openvidu-compat.min.js',
      format: 'iife',
      sourcemap: true,
      banner,
      plugins: [minified(), ownSources(), sizeBudget(COMPAT_BUDGET_BYTES)],
    },
  },
  {
    input: 'src/node-client/index.ts',
    onwarn,
    plugins: [esbuild({ target: 'node20', sourceMap: true, tsconfig: false })],
    output: [
      { file: 'dist/node-client.mjs', format: 'es', sourcemap: true, banner },
      { file: 'dist/node-client.cjs', format: 'cjs', sourcemap: true, banner },
    ],
  },
  {
    input: 'src/node-client/index.ts',
    onwarn,
    plugins: [dts({ tsconfig: 'tsconfig.json', compilerOptions: { stripInternal: true } })],
    output: ['mts', 'cts'].map((types) => ({ file: `dist/node-client.d.${types}`, format: 'es' })),
  },
  {
    input: 'demo/main.tsx',
    onwarn,
    plugins: [...browser(), copy(Object.fromEntries(PAGE.map((name) => [`demo/${name}`, `dist/demo/${name}`])))],
    output: { file: 'dist/demo/demo.js', format: 'iife', sourcemap: true, plugins: [minified()] },
  },
];
