import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Page {
  readonly ids: ReadonlySet<string>;
  readonly links: readonly string[];
}

/**
 * The links of a built site that lead nowhere, or to a heading that is not there. VitePress looks for the pages of links
 * itself, but not for their anchors.
 */
export async function deadLinks(folder: string): Promise<string[]> {
  const pages = new Map<string, Page>();
  for await (const file of glob('**/*.html', { cwd: folder })) {
    pages.set(pathOf(file), read(await readFile(join(folder, file), 'utf8')));
  }
  const dead: string[] = [];
  for (const [path, { links }] of pages) {
    for (const link of new Set(links)) {
      const { origin, pathname, hash } = new URL(link, `http://site${path}`);
      if (origin !== 'http://site' || pathname.startsWith('/assets/')) continue;
      const target = pages.get(pathname);
      if (!target) dead.push(`${path}: ${link}: no such page`);
      else if (hash !== '' && !target.ids.has(decodeURIComponent(hash.slice(1))))
        dead.push(`${path}: ${link}: no such anchor`);
    }
  }
  return dead;
}

/** Where a file is served. */
function pathOf(file: string): string {
  return `/${file.replaceAll('\\', '/').replace(/(index)?\.html$/, '')}`;
}

function read(html: string): Page {
  const values = (attribute: string): string[] =>
    [...html.matchAll(new RegExp(`<[a-z][^>]*\\s${attribute}="([^"]*)"`, 'g'))].map(([, value = '']) =>
      unescaped(value),
    );
  return { ids: new Set(values('id')), links: values('href') };
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
