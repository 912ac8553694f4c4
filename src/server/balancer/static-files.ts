import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

export interface StaticFiles {
  /** With a trailing slash, e.g. `/` or `/dist/`. */
  readonly prefix: string;
  readonly directory: string;
  /** Content-Security-Policy of the pages. Default: none, because only their author knows what they load. */
  readonly policy?: string;
}

/**
 * Headers of every file.
 *
 * - Browsers revalidate files before each use, so that a page never runs with the script of an earlier build.
 * - No other site may show a page in a frame, unless a policy with `frame-ancestors` allows it; that takes precedence.
 * - No other site keeps access to the window of a page that it has opened, and none is told a page's address.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin-allow-popups',
};

/** Serves files from directories. */
export async function serveStaticFiles(app: FastifyInstance, directories: readonly StaticFiles[]): Promise<void> {
  for (const [index, { prefix, directory, policy }] of directories.entries()) {
    await app.register(fastifyStatic, {
      root: resolve(directory),
      prefix,
      decorateReply: index === 0,
      dotfiles: 'ignore',
      setHeaders: (reply) => {
        for (const [name, value] of Object.entries(HEADERS)) void reply.header(name, value);
        if (policy !== undefined) void reply.header('content-security-policy', policy);
      },
    });
  }
}
