import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { pageOf, ROOT } from './pages.ts';
import { repositoryLinks } from './repository-links.ts';

/** What TypeDoc writes beside its pages. */
interface Entry {
  readonly title: string;
  readonly path?: string;
  readonly children?: readonly Entry[];
}

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const reference = JSON.parse(readFileSync(join(ROOT, 'docs', 'api', 'navigation.json'), 'utf8')) as readonly Entry[];

/** Whose Markdown is no part of the site. */
const foreignFolders = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'docs')
  .map(({ name }) => name);

/** Links that work on the site and in the repository: anchors are made as GitHub makes them. */
const slugify = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-');

const GUIDE: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: [
      { text: 'Getting started', link: '/guide/getting-started' },
      { text: 'Concepts', link: '/guide/concepts' },
      { text: 'Overview (README)', link: '/readme' },
    ],
  },
  {
    text: 'In the page',
    items: [
      { text: 'With a script tag', link: '/guide/script-tag' },
      { text: 'With a bundler', link: '/guide/bundler' },
      { text: 'React', link: '/guide/react' },
      { text: 'Vue', link: '/guide/vue' },
      { text: 'Recording and analysing', link: '/received-media' },
      { text: 'The picture that arrives', link: '/picture' },
      { text: 'Testing your application', link: '/guide/testing' },
      { text: 'Troubleshooting', link: '/guide/troubleshooting' },
    ],
  },
  {
    text: 'On the server',
    items: [
      { text: 'The server SDK', link: '/node-client' },
      { text: 'Webhooks', link: '/webhooks' },
      { text: 'Deployment', link: '/guide/deployment' },
      { text: 'Security', link: '/security' },
    ],
  },
  {
    text: 'Moving here',
    items: [
      { text: 'From OpenVidu', link: '/from-openvidu' },
      { text: 'From LiveKit', link: '/guide/from-livekit' },
    ],
  },
  {
    text: 'In depth',
    items: [
      { text: 'What a failure does', link: '/failures' },
      { text: 'The protocol', link: '/protocol' },
      { text: 'Performance', link: '/performance' },
    ],
  },
  {
    text: 'Contributing',
    items: [
      { text: 'Contributing', link: '/contributing' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'Changelog', link: '/changelog' },
    ],
  },
];

const REFERENCE: DefaultTheme.SidebarItem[] = [
  { text: 'Reference', link: '/api/' },
  {
    text: 'REST API',
    items: [
      { text: 'Guide', link: '/rest' },
      { text: 'Requests and answers', link: '/api/rest' },
    ],
  },
  ...reference.map((module) => itemOf(module)),
];

function itemOf({ title, path, children }: Entry): DefaultTheme.SidebarItem {
  return {
    text: title,
    ...(path === undefined ? {} : { link: `/api/${path.replace(/(index)?\.md$/, '')}` }),
    ...(children
      ? { items: children.map(itemOf), ...(path === undefined ? { collapsed: title !== 'Core' } : {}) }
      : {}),
  };
}

export default defineConfig({
  title: 'Rejoin',
  description: 'Video sessions that outlive the machines that serve them.',
  lang: 'en',
  srcDir: '..',
  srcExclude: foreignFolders.map((name) => `${name}/**`),
  rewrites: (file) => pageOf(file) ?? file,
  cleanUrls: true,
  // Braces are what they are: a path may end with a parameter.
  markdown: { attrs: false, anchor: { slugify }, toc: { slugify }, config: repositoryLinks },
  // The index of the search is one file.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/guide/' },
      { text: 'Reference', link: '/api/', activeMatch: '^/(api/|rest$)' },
      { text: version, link: '/changelog' },
    ],
    sidebar: { '/api/': REFERENCE, '/rest': REFERENCE, '/': GUIDE },
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
