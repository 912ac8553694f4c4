import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Agent, request as httpRequest } from 'undici';
import type { SessionId } from '../../../protocol/ids.ts';
import type { InstanceId } from '../../shared/identity.ts';
import { CALLER_HEADER } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory } from '../cluster/directory.ts';
import type { Located, Locator } from '../cluster/locator.ts';
import { RestError } from './rest-error.ts';
import type { Json } from './session-json.ts';

/** Marks a request that a master has passed on: it is answered where it arrives, never passed on again. */
const HOP_HEADER = 'x-rejoin-hop';
const AGAIN_MS = 50;
const ATTEMPTS = 10;

const METHODS = ['GET', 'POST', 'DELETE', 'PATCH', 'PUT'] as const;
type HttpMethod = (typeof METHODS)[number];

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** REST requests may arrive at any master; what concerns a session is answered by its owner. */
export class RestForwarder {
  readonly #self: InstanceId;
  readonly #directory: Directory;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #agent = new Agent({ connections: 32, keepAliveTimeout: 10_000 });

  constructor(self: InstanceId, directory: Directory, timing: Timing, log: Logger) {
    this.#self = self;
    this.#directory = directory;
    this.#timing = timing;
    this.#log = log;
  }

  /** Passes the request on to the session's owner, whose answer is then sent, unless the owner is here. */
  async toOwner(
    locator: Locator,
    sessionId: SessionId,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Extract<Located, { kind: 'here' | 'nowhere' }> | { kind: 'answered' }> {
    let suspect: InstanceId | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const located = await locator.locate(sessionId, suspect);
      if (located.kind === 'changing') {
        await delay(AGAIN_MS);
        continue;
      }
      if (located.kind === 'unreachable') break;
      if (located.kind !== 'elsewhere') return located;
      if (request.headers[HOP_HEADER]) break;
      try {
        await send(reply, await this.#pass(located.url, request));
        return { kind: 'answered' };
      } catch (error) {
        suspect = located.owner;
        this.#log.warn(
          { err: error, owner: located.owner, session: sessionId },
          'The owner does not answer a REST request.',
        );
        const { code } = error as { code?: string };
        // Only what has certainly not been executed may be executed elsewhere.
        if (code !== 'ECONNREFUSED' && request.method !== 'GET') break;
        await delay(AGAIN_MS);
      }
    }
    throw new RestError(
      503,
      `The owner of session ${sessionId} does not answer at this moment. Try again in a moment.`,
    );
  }

  /**
   * Passes the request on to another master that is ready, whose answer is then sent. `false` when there is none.
   * @throws {RestError} 503 when it cannot be known whether it has been carried out
   */
  async toAnother(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    if (request.headers[HOP_HEADER]) return false;
    for (const { url, beat } of this.#directory.live('master')) {
      if (beat?.ready === false) continue;
      try {
        await send(reply, await this.#pass(url, request));
        return true;
      } catch (error) {
        this.#log.warn({ err: error, url }, 'A master does not answer a REST request.');
        if ((error as { code?: string }).code === 'ECONNREFUSED') continue;
        throw new RestError(503, 'The master that was to carry this out does not answer. Try again in a moment.');
      }
    }
    return false;
  }

  /** The sessions that the other masters own. A master that does not answer owns none that can be listed. */
  async listElsewhere(request: FastifyRequest): Promise<Json[]> {
    if (request.headers[HOP_HEADER]) return [];
    const urls = await this.#directory.urls('master');
    const answers = await Promise.all(
      urls.map(async (url) => {
        try {
          const { status, text } = await this.#pass(url, request);
          return status === 200 ? (JSON.parse(text) as { content: Json[] }).content : [];
        } catch (error) {
          this.#log.warn({ err: error, url }, 'A master does not list its sessions.');
          return [];
        }
      }),
    );
    return answers.flat();
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #pass(url: string, request: FastifyRequest): Promise<Answer> {
    const { method } = request;
    const answer = await httpRequest(`${url}${request.url}`, {
      method: METHODS.find((known): known is HttpMethod => known === method) ?? 'GET',
      dispatcher: this.#agent,
      headers: {
        authorization: request.headers.authorization ?? '',
        [HOP_HEADER]: '1',
        [CALLER_HEADER]: this.#self,
        ...(request.body === undefined || request.body === null ? {} : { 'content-type': 'application/json' }),
      },
      body: request.body === undefined || request.body === null ? null : JSON.stringify(request.body),
      signal: AbortSignal.timeout(this.#timing.peerCallMs),
    });
    const type = answer.headers['content-type'];
    return { status: answer.statusCode, type: Array.isArray(type) ? type[0] : type, text: await answer.body.text() };
  }
}

async function send(reply: FastifyReply, { status, type, text }: Answer): Promise<void> {
  if (type) reply.type(type);
  await reply.code(status).send(text === '' ? undefined : text);
}
