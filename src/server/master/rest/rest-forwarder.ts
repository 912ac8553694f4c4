import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { Agent, request as httpRequest } from 'undici';
import type { SessionId } from '../../../protocol/ids.ts';
import { type InstanceId, nodeIdOf } from '../../shared/identity.ts';
import { CALLER_HEADER } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory, ListedNode } from '../cluster/directory.ts';
import type { Located, Locator } from '../cluster/locator.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';
import type { AnyRequest } from './session-access.ts';
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

/** Another master's own answer to a request that went to all of them; `undefined` when there is none. */
export interface Elsewhere {
  readonly node: ListedNode;
  readonly answer: Answer | undefined;
  /** It certainly does not run. */
  readonly isGone: boolean;
}

/** What goes with a request that is passed on. */
const PASSED_HEADERS = ['authorization', 'content-type', 'idempotency-key'] as const;

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
    request: AnyRequest,
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
      if (isPassedOn(request)) break;
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
        // Only what has certainly not been executed may be executed elsewhere, or what does nothing twice.
        const harmless = request.method === 'GET' || request.headers['idempotency-key'] !== undefined;
        if (code !== 'ECONNREFUSED' && !harmless) break;
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
  async toAnother(request: AnyRequest, reply: FastifyReply): Promise<boolean> {
    if (isPassedOn(request)) return false;
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

  /**
   * The sessions that the other masters own.
   * @throws {RestError} 503 when one that lives does not say: a list that lacks some would be taken for the truth
   */
  async listElsewhere(request: AnyRequest): Promise<Json[]> {
    const all = await this.elsewhere(request);
    return all.flatMap(({ node, answer, isGone }) => {
      if (answer?.status === 200) return (JSON.parse(answer.text) as { content: Json[] }).content;
      if (isGone) return [];
      throw new RestError(
        503,
        `The master ${nodeIdOf(node.instance)} does not list its sessions. Try again in a moment.`,
      );
    });
  }

  /** Asks all other masters the same. Each answers for itself alone, and so asks nobody: then this is empty. */
  async elsewhere(request: AnyRequest): Promise<Elsewhere[]> {
    if (isPassedOn(request)) return [];
    await this.#directory.refresh();
    return Promise.all(
      this.#directory.listed('master').map(async (node): Promise<Elsewhere> => {
        try {
          return { node, answer: await this.#pass(node.url, request), isGone: false };
        } catch (error) {
          this.#log.warn({ err: error, peer: node.instance }, 'A master does not answer a REST request.');
          const refused = (error as { code?: string }).code === 'ECONNREFUSED';
          const lives = node.times !== undefined || this.#directory.isUnreachable(node.instance);
          return { node, answer: undefined, isGone: refused || !lives };
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #pass(url: string, request: AnyRequest): Promise<Answer> {
    const { method, headers, bodyText } = request;
    const passed = PASSED_HEADERS.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' && (name !== 'content-type' || bodyText !== '') ? [[name, value] as const] : [];
    });
    const answer = await httpRequest(`${url}${request.url}`, {
      method: METHODS.find((known): known is HttpMethod => known === method) ?? 'GET',
      dispatcher: this.#agent,
      headers: { ...Object.fromEntries(passed), [HOP_HEADER]: '1', [CALLER_HEADER]: this.#self },
      body: bodyText === '' ? null : bodyText,
      signal: AbortSignal.timeout(this.#timing.peerCallMs),
    });
    const type = answer.headers['content-type'];
    return { status: answer.statusCode, type: Array.isArray(type) ? type[0] : type, text: await answer.body.text() };
  }
}

/** Whether another master has passed this request on. */
export function isPassedOn(request: AnyRequest): boolean {
  return request.headers[HOP_HEADER] !== undefined;
}

async function send(reply: FastifyReply, { status, type, text }: Answer): Promise<void> {
  if (type) reply.type(type);
  if (status === 503) reply.header('retry-after', RETRY_AFTER_S);
  await reply.code(status).send(text === '' ? undefined : text);
}
