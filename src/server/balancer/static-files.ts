import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

export interface StaticFiles {
  /** With a slash at its end, e.g. `/` or `/dist/`. */
  readonly prefix: string;
  readonly directory: string;
}

/**
 * Serves directories. Browsers keep the files and ask whether they are still good before each use, so that a page never
 * runs with the script of an earlier build.
 */
export async function serveStaticFiles(app: FastifyInstance, directories: readonly StaticFiles[]): Promise<void> {
  for (const [index, { prefix, directory }] of directories.entries()) {
    await app.register(fastifyStatic, {
      root: resolve(directory),
      prefix,
      decorateReply: index === 0,
      dotfiles: 'ignore',
      setHeaders: (reply) => void reply.header('cache-control', 'no-cache'),
    });
  }
}
