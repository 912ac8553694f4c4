import { type Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { GatewayFailure } from './gateway-error.ts';
import type { Share } from './held-bytes.ts';

/**
 * How long connecting to a server may take, ms: long enough for one lost packet, which is sent again after a second. A
 * host that has vanished doesn't refuse a connection but stays silent.
 */
export const CONNECT_MS = 1_500;

/** A server has not answered a request. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly failure: GatewayFailure;

  constructor(failure: GatewayFailure, cause?: unknown) {
    super(`No answer: ${failure}`, { cause });
    this.failure = failure;
  }
}

/** Aborts when a server is found dead. The reason is the failure that its requests get. */
export type LifeSignal = AbortSignal & { readonly reason: GatewayFailure };

export interface UpstreamRequest {
  /** Origin of the server. */
  readonly server: string;
  readonly agent: Agent;
  readonly method: string;
  /** The path and query as the client sent them. */
  readonly target: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | undefined;
  /** Time limit for the answer, from now on, ms. */
  readonly withinMs: number;
  /** Aborts when the client leaves or the balancer closes. */
  readonly gone: AbortSignal;
  /** Aborts when the server is found dead. */
  readonly dead?: AbortSignal;
}

/** An answer whose body has not been read yet. */
export interface Answering {
  readonly response: IncomingMessage;
  /** Ends the deadline. Throws if the request has been given up. */
  settle(): void;
}

/**
 * Sends a request. Until `settle` is called, the deadline, the death of the server or the client's leaving ends it, also while
 * connecting.
 * @throws {UpstreamError} `unreachable` if the request was certainly not executed
 */
export function askUpstream(asked: UpstreamRequest): Promise<Answering> {
  const { server, agent, method, target, headers, body, withinMs, gone, dead } = asked;
  return new Promise((resolve, reject) => {
    const attempt = httpRequest(server, { agent, method, path: target, headers });
    let connected = false;
    let broken: UpstreamError | undefined;
    const giveUp = (failure: GatewayFailure): void => {
      broken ??= new UpstreamError(connected ? failure : 'unreachable');
      attempt.destroy(broken);
    };
    const onDead = (): void => giveUp(dead?.reason === 'timeout' ? 'timeout' : 'broken');
    const onGone = (): void => giveUp('broken');
    const deadline = setTimeout(giveUp, withinMs, 'timeout');
    const connecting = setTimeout(giveUp, Math.min(CONNECT_MS, withinMs), 'unreachable');
    dead?.addEventListener('abort', onDead);
    gone.addEventListener('abort', onGone);
    const settle = (): void => {
      clearTimeout(deadline);
      clearTimeout(connecting);
      dead?.removeEventListener('abort', onDead);
      gone.removeEventListener('abort', onGone);
    };
    attempt.on('socket', (socket) => {
      const onConnected = (): void => {
        connected = true;
        clearTimeout(connecting);
      };
      if (socket.connecting) socket.once('connect', onConnected);
      else onConnected();
    });
    attempt.on('response', (response) => {
      resolve({
        response,
        settle: () => {
          settle();
          if (broken) throw broken;
        },
      });
    });
    // After the headers have arrived, a failure shows in the response's stream.
    attempt.on('error', (error) => {
      settle();
      reject(broken ?? new UpstreamError(connected ? 'broken' : 'unreachable', error));
    });
    if (dead?.aborted) onDead();
    if (gone.aborted) onGone();
    attempt.end(body);
  });
}

/**
 * Reads the whole body of an answer.
 * @throws {UpstreamError}
 */
export async function readAnswer({ response, settle }: Answering, share: Share): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of response) {
      const chunk = part as Buffer;
      if (share.take(chunk.length) !== undefined) throw new UpstreamError('full');
      parts.push(chunk);
    }
  } catch (error) {
    settle();
    throw error instanceof UpstreamError ? error : new UpstreamError('broken', error);
  }
  settle();
  return Buffer.concat(parts);
}
