import type { MarkdownRenderer } from 'vitepress';
import { followLink } from './pages.ts';

interface PageEnv {
  /** The file, and not where its page is on the site. */
  readonly realPath?: string;
  readonly path: string;
}

/**
 * Lets the links of pages work here as they do in the repository: those to other pages lead to them, wherever they are on the
 * site, and those to sources become plain text with the path as its title.
 */
export function repositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const { path, realPath = path } = env as PageEnv;
    for (const { children } of tokens) {
      let isSource = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? '';
          if (/^(\w+:|#|\/)/.test(href)) continue;
          const target = followLink(realPath, decodeURI(href));
          isSource = 'file' in target;
          if ('page' in target) token.attrSet('href', target.page);
          else {
            token.type = 'html_inline';
            token.content = `<span class="source" title="${md.utils.escapeHtml(target.file)}">`;
          }
        } else if (token.type === 'link_close' && isSource) {
          token.type = 'html_inline';
          token.content = '</span>';
          isSource = false;
        }
      }
    }
  });
}
