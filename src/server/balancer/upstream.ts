import { type Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { GatewayFailure } from './gateway-error.ts';
import type { Share } from './held-bytes.ts';

/**
 * How long a connection to a server may take to be made, ms: long enough for one lost packet, which is sent again after a second.
 * A host that has vanished does not refuse, it is silent.
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

/** Aborts with the failure that it means for the requests at a server. */
export type LifeSignal = AbortSignal & { readonly reason: GatewayFailure };

export interface UpstreamRequest {
  /** Origin of the server. */
  readonly server: string;
  readonly agent: Agent;
  readonly method: string;
  /** As the client sent it. */
  readonly target: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | undefined;
  /** Time for the answer, from now on, ms. */
  readonly withinMs: number;
  /** The client leaves, or the balancer closes. */
  readonly gone: AbortSignal;
  /** The server is found dead. */
  readonly dead?: AbortSignal;
}

/** An answer whose body has not been read. */
export interface Answering {
  readonly response: IncomingMessage;
  /** Whether it still is in time: throws the failure after it has been broken off. Ends the deadline. */
  settle(): void;
}

/**
 * Sends a request. The deadline, the death of the server and the leaving of the client hold from the first moment on, also while
 * the connection is being made, and until `settle`.
 * @throws {UpstreamError} `unreachable` when nothing can have been executed
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
    // Once it has been answered, the response says what is wrong.
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
 * The whole body of an answer.
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
