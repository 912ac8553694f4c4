import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BenchError } from '../bench-error.ts';
import type { Cleanup } from '../cleanup.ts';

/** The SDK's files, as applications load them. */
export const DIST = join(import.meta.dirname, '..', '..', 'dist');
export const SDK_FILE = join(DIST, 'rejoin.min.js');

/** Makes a folder with the pages of the benchmarks: `call.html`, which loads the SDK from /dist/, and `raw.html`. */
export async function buildSite(cleanup: Cleanup): Promise<string> {
  if (!existsSync(SDK_FILE)) {
    throw new BenchError('BundleMissing', 'The SDK is not built. Start with "npm run bench", or run "npm run build".');
  }
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-bench-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const pages = ['call', 'raw'];
  await build({
    entryPoints: pages.map((name) => join(import.meta.dirname, `${name}-page.ts`)),
    outdir: folder,
    bundle: true,
    format: 'iife',
    target: 'es2023',
    logLevel: 'silent',
  });
  await Promise.all(pages.map((name) => writeFile(join(folder, `${name}.html`), pageOf(name))));
  return folder;
}

function pageOf(name: string): string {
  const sdk = name === 'call' ? '<script src="/dist/rejoin.min.js"></script>' : '';
  return `<!doctype html><meta charset="utf-8"><title>${name}</title><style>video { width: 320px }</style>
<div id="videos"></div>${sdk}<script src="/${name}-page.js"></script>\n`;
}
