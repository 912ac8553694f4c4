import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import nodeResolve from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { type Browser, chromium } from 'playwright';
import { rollup } from 'rollup';
import { createLogger, build as vite } from 'vite';
import { CHROMIUM_ARGS } from '../e2e/playwright.config.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { Consumer } from './consumer.ts';

/** The installed package works with a running cluster: in bundled pages, by script tags, and in Node. */

const PAGES = 'pages';

/** An application: joins with a token, returns its session, and leaves. */
const JOIN = `
  const session = new OpenVidu().initSession();
  await session.connect(token, 'Ann');
  const { sessionId, connection } = session;
  const seen = { sessionId, data: connection.data };
  session.disconnect();
  return seen;
`;
/** Bundlers may drop code without effects; OpenVidu's additional members must stay. */
const APPLICATION = `import { OpenVidu } from 'rejoin';\nnew OpenVidu().initLocalRecorder().clean();\nglobalThis.join = async (token) => {${JOIN}};\n`;

/** An application's server that returns a token. Runs in a separate program, as text. */
const SERVE = `async (OpenVidu, { URL, SECRET, ROOM }) => {
  const session = await new OpenVidu(URL, SECRET).createSession({ customSessionId: ROOM });
  return (await session.createConnection({ data: 'Ann' })).token;
}`;

let consumer: Consumer;
let running: RunningCluster;
let browser: Browser;

before(async () => {
  consumer = await Consumer.install();
  await consumer.write('app.js', APPLICATION);
  await mkdir(consumer.at(PAGES));
  const executablePath = process.env['CHROMIUM_PATH'];
  const directories = [
    { prefix: '/', directory: consumer.at(PAGES) },
    { prefix: '/node_modules/', directory: consumer.at('node_modules') },
  ];
  running = await RunningCluster.start({ directories });
  browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_ARGS });
});
after(async () => {
  await browser?.close();
  await running?.stop();
  await consumer?.remove();
});

test('bundled by Rollup', async () => {
  const warnings: string[] = [];
  const bundle = await rollup({
    input: consumer.at('app.js'),
    plugins: [nodeResolve({ browser: true })],
    onwarn: ({ message }) => warnings.push(message),
  });
  await bundle.write({ file: consumer.at(PAGES, 'rollup', 'app.js'), format: 'es' });
  await bundle.close();
  assert.deepEqual(warnings, []);
  await joins('rollup', '<script type="module" src="app.js"></script>');
});

test('bundled by Vite', async () => {
  const warnings: string[] = [];
  const customLogger = { ...createLogger('warn'), warn: (message: string) => void warnings.push(message) };
  await consumer.write('index.html', '<!doctype html><script type="module" src="/app.js"></script>');
  await vite({
    root: consumer.folder,
    base: './',
    configFile: false,
    logLevel: 'warn',
    customLogger,
    build: { outDir: consumer.at(PAGES, 'vite') },
  });
  assert.deepEqual(warnings, []);
  await joins('vite');
});

test('bundled by esbuild', async () => {
  const { warnings } = await esbuild({
    absWorkingDir: consumer.folder,
    entryPoints: ['app.js'],
    bundle: true,
    minify: true,
    format: 'iife',
    outfile: consumer.at(PAGES, 'esbuild', 'app.js'),
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  await joins('esbuild', '<script src="app.js"></script>');
});

for (const [name, global] of [
  ['rejoin.js', 'Rejoin.OpenVidu'],
  ['rejoin.min.js', 'Rejoin.OpenVidu'],
  ['openvidu-compat.min.js', 'OpenVidu'],
]) {
  test(`by the script tag of ${name}`, async () => {
    const script = `globalThis.join = async (token) => { const OpenVidu = globalThis.${global}; ${JOIN} };`;
    await joins(name, `<script src="/node_modules/rejoin/dist/${name}"></script><script>${script}</script>`);
  });
}

for (const [file, load] of [
  ['server.mjs', "import { OpenVidu } from 'rejoin/node-client';"],
  ['server.cjs', "const { OpenVidu } = require('rejoin/node-client');"],
] as const) {
  test(`the node-client, loaded by ${file}`, async () => {
    const { url, secret } = running.cluster;
    const customSessionId = `package-${file}`.replaceAll('.', '-');
    await consumer.write(file, `${load}\n(${SERVE})(OpenVidu, process.env).then(console.log);\n`);
    const { stdout, stderr } = await consumer.node(file, { URL: url, SECRET: secret, ROOM: customSessionId });
    assert.equal(stderr, '');
    assert.match(stdout, new RegExp(`^ws://\\S+\\?sessionId=${customSessionId}&token=tok_`));
  });
}

test('a server that renders pages can load the SDK', async () => {
  const names = "console.log(Object.keys(sdk).filter((name) => name === 'Rejoin' || name === 'OpenVidu').join());";
  await consumer.write('render.mjs', `import * as sdk from 'rejoin';\n${names}\n`);
  await consumer.write('render.cjs', `const sdk = require('rejoin');\n${names}\n`);
  for (const file of ['render.mjs', 'render.cjs']) {
    assert.deepEqual(await consumer.node(file), { stdout: 'OpenVidu,Rejoin\n', stderr: '' });
  }
});

test('a CommonJS program such as Jest can require the SDK, and gets named errors without a browser', async () => {
  const program = `
    const { Rejoin } = require('rejoin');
    const rejoin = new Rejoin();
    const errors = [];
    try { rejoin.initPublisher(undefined); } catch ({ name }) { errors.push(name); }
    rejoin.getDevices().catch(({ name }) => errors.push(name)).then(() => {
      console.log(JSON.stringify([rejoin.checkSystemRequirements(), rejoin.checkScreenSharingCapabilities(), ...errors]));
    });
  `;
  await consumer.write('jest.cjs', program);
  // Jest has its own loader, which cannot require() ES modules as Node itself can.
  const { stdout } = await consumer.node('jest.cjs', { NODE_OPTIONS: '--no-experimental-require-module' });
  assert.deepEqual(JSON.parse(stdout), [false, false, 'BROWSER_NOT_SUPPORTED', 'BROWSER_NOT_SUPPORTED']);
});

/** Opens the page in `folder`, made of `html` if given, and lets it join a session. */
async function joins(folder: string | undefined, html?: string): Promise<void> {
  if (html) await consumer.write(`${PAGES}/${folder}/index.html`, `<!doctype html>${html}`);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(`${running.url}/${folder}/index.html`);
  await page.waitForFunction('"join" in globalThis', undefined, { timeout: 10_000 }).catch((error: unknown) => {
    throw new Error(`The page did not load: ${errors.join(' ')}`, { cause: error });
  });
  const sessionId = `package-${folder}`.replaceAll('.', '-');
  const token = await running.token(sessionId, { data: 'from the server' });
  const seen = await page.evaluate(`globalThis.join(${JSON.stringify(token)})`);
  assert.deepEqual(seen, { sessionId, data: 'Ann%/%from the server' });
  assert.deepEqual(errors, []);
  await page.close();
}
