import type { IncomingMessage } from 'node:http';
import type { Share } from './held-bytes.ts';

/** Bodies are kept until the answer, so that another master can be tried. Those of the REST API are small. */
export const BODY_LIMIT = 1024 * 1024;

/** The reason why a body is not forwarded. */
export class BodyRefused extends Error {
  override readonly name = 'BodyRefused';
  readonly statusCode: 400 | 413 | 503;

  constructor(statusCode: 400 | 413 | 503, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * Reads a body and counts its bytes against the share of its request.
 * @throws {BodyRefused}
 */
export async function readBody(request: IncomingMessage, share: Share): Promise<Buffer> {
  try {
    return await gather(request, share);
  } catch (error) {
    // Read and drop the rest, up to the request's deadline, because the answer can only be sent while the connection is open.
    request.resume();
    if (error instanceof BodyRefused) throw error;
    throw new BodyRefused(400, 'The body broke off. Send the request again.');
  }
}

async function gather(request: IncomingMessage, share: Share): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT) throw tooLarge();
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const chunk = part as Buffer;
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) throw tooLarge();
    const exceeded = share.take(chunk.length);
    if (exceeded === 'address') {
      throw new BodyRefused(503, 'This address sends too many bodies at once. Send fewer at a time, or try again.');
    }
    if (exceeded === 'total') {
      throw new BodyRefused(503, 'Too many bodies are in progress at the moment. Try again in a second.');
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function tooLarge(): BodyRefused {
  return new BodyRefused(413, 'The body is larger than 1 MB. Send less.');
}
