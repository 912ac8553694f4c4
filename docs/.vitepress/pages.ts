import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

/** The checkout: pages come from `docs/` and from the files at its root that every repository has. */
export const ROOT = resolve(import.meta.dirname, '..', '..');

/** Pages that are not in `docs/`, by file, and where they are on the site. */
const AT_ROOT: Readonly<Record<string, string>> = {
  'README.md': 'readme.md',
  'SECURITY.md': 'security.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
};

/** Where the page of a file is, both relative to their roots; `undefined` for a file that is no page. */
export function pageOf(file: string): string | undefined {
  if (Object.hasOwn(AT_ROOT, file)) return AT_ROOT[file];
  return file.startsWith('docs/') && file.endsWith('.md') ? file.slice('docs/'.length) : undefined;
}

/**
 * What a relative link in a file leads to: a page of the site, or a file that is only in the repository.
 * @throws {Error} when there is no such file
 */
export function followLink(from: string, href: string): { page: string } | { file: string } {
  const [path = '', hash] = href.split('#');
  const file = relative(ROOT, resolve(dirname(from), path));
  if (!existsSync(resolve(ROOT, file)))
    throw new Error(`${relative(ROOT, from)} links to ${href}, which is not there.`);
  const page = pageOf(file);
  return page === undefined ? { file } : { page: `/${page}${hash === undefined ? '' : `#${hash}`}` };
}
