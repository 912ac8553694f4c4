import type { IncomingMessage } from 'node:http';
import type { Share } from './held-bytes.ts';

/** Bodies are kept until they are answered, so that another master can be asked. Those of the REST API are small. */
export const BODY_LIMIT = 1024 * 1024;

/** A body that is not passed on. */
export class BodyRefused extends Error {
  override readonly name = 'BodyRefused';
  readonly statusCode: 400 | 413 | 503;

  constructor(statusCode: 400 | 413 | 503, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * Reads a body, as it comes, into the share of its request.
 * @throws {BodyRefused}
 */
export async function readBody(request: IncomingMessage, share: Share): Promise<Buffer> {
  try {
    return await gather(request, share);
  } catch (error) {
    // Bytes that still come are read and dropped, until the deadline of the request: an answer can be sent before it is over.
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
      throw new BodyRefused(503, 'This address sends too many bodies at a time. Send fewer at once, or try again.');
    }
    if (exceeded === 'total') {
      throw new BodyRefused(503, 'Too many bodies are on their way at this moment. Try again in a second.');
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function tooLarge(): BodyRefused {
  return new BodyRefused(413, 'The body is larger than 1 MB. Send less.');
}
