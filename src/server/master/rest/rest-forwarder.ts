import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { SessionId } from '../../../protocol/ids.ts';
import { type InstanceId, nodeIdOf } from '../../shared/identity.ts';
import { type InternalClient, PeerError } from '../../shared/internal-client.ts';
import type { Logger } from '../../shared/logging.ts';
import type { Timing } from '../../shared/timing.ts';
import type { Directory, ListedNode } from '../cluster/directory.ts';
import type { Located, Locator } from '../cluster/locator.ts';
import {
  FORWARDED_HEADERS,
  FORWARDED_METHODS,
  type ForwardedAnswer,
  type ForwardedMark,
  type ForwardedMethod,
  type ForwardedRequest,
} from './forwarded-rest.ts';
import { RETRY_AFTER_S, RestError } from './rest-error.ts';
import type { AnyRequest } from './session-access.ts';
import type { Json } from './session-json.ts';

const AGAIN_MS = 50;
/** The answer of a master that is not, or no longer, the owner: it has done nothing, and the owner is to be looked for again. */
const NOT_OWNER = 421;

/** Another master's own answer to a request that went to all of them; `undefined` when there is none. */
export interface Elsewhere {
  readonly node: ListedNode;
  readonly answer: ForwardedAnswer | undefined;
  /** It certainly does not run. */
  readonly isGone: boolean;
}

/** REST requests may arrive at any master; what concerns a session is answered by its owner. */
export class RestForwarder {
  readonly #client: InternalClient;
  readonly #mark: ForwardedMark;
  readonly #directory: Directory;
  readonly #timing: Timing;
  readonly #log: Logger;

  constructor(client: InternalClient, mark: ForwardedMark, directory: Directory, timing: Timing, log: Logger) {
    this.#client = client;
    this.#mark = mark;
    this.#directory = directory;
    this.#timing = timing;
    this.#log = log;
  }

  /** For how long the owner of a session is looked for, ms. */
  get patienceMs(): number {
    return this.#timing.peerCallMs;
  }

  /**
   * Passes the request on to the session's owner, whose answer is then sent, unless the owner is here. `until`, as of
   * `performance.now()`: while a session is created and ended all the time, or changes its owner, it is looked for again.
   * @throws {RestError} 421 for a request that was passed on, where the owner is not here; 503
   */
  async toOwner(
    locator: Locator,
    sessionId: SessionId,
    request: AnyRequest,
    reply: FastifyReply,
    until = performance.now() + this.patienceMs,
  ): Promise<Extract<Located, { kind: 'here' | 'nowhere' }> | { kind: 'answered' }> {
    let suspect: InstanceId | undefined;
    for (let isFirst = true; isFirst || performance.now() < until; isFirst = false) {
      const located = await locator.locate(sessionId, suspect);
      if (located.kind === 'here' || located.kind === 'nowhere') return located;
      if (this.isPassedOn(request)) throw new RestError(NOT_OWNER, `The owner of session ${sessionId} is not here.`);
      if (located.kind === 'changing') {
        await delay(AGAIN_MS);
        continue;
      }
      if (located.kind === 'unreachable') break;
      try {
        const answer = await this.#pass({ url: located.url, instance: located.owner }, request);
        if (answer.status !== NOT_OWNER) {
          await send(reply, answer);
          return { kind: 'answered' };
        }
        suspect = undefined;
        await delay(AGAIN_MS);
      } catch (error) {
        suspect = located.owner;
        this.#log.warn(
          { err: error, owner: located.owner, session: sessionId },
          'The owner does not answer a REST request.',
        );
        // Only what has certainly not been executed may be executed elsewhere, or what does nothing twice.
        const harmless = request.method === 'GET' || request.headers['idempotency-key'] !== undefined;
        if (!isUntouched(error) && !harmless) break;
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
    if (this.isPassedOn(request)) return false;
    const masters = this.#directory.live('master').sort((a, b) => Number(a.isDoubted) - Number(b.isDoubted));
    for (const master of masters) {
      if (master.beat?.ready === false) continue;
      try {
        const answer = await this.#pass(master, request);
        if (answer.status === NOT_OWNER)
          throw new RestError(503, 'The owner of the session is elsewhere. Try again in a moment.');
        await send(reply, answer);
        return true;
      } catch (error) {
        if (error instanceof RestError) throw error;
        this.#log.warn({ err: error, peer: master.instance }, 'A master does not answer a REST request.');
        if (isUntouched(error)) continue;
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
    if (this.isPassedOn(request)) return [];
    await this.#directory.refresh();
    return Promise.all(
      this.#directory.listed('master').map(async (node): Promise<Elsewhere> => {
        try {
          return { node, answer: await this.#pass(node, request), isGone: false };
        } catch (error) {
          this.#log.warn({ err: error, peer: node.instance }, 'A master does not answer a REST request.');
          const refused = error instanceof PeerError && error.failure === 'refused';
          const lives = node.times !== undefined || this.#directory.isUnreachable(node.instance);
          return { node, answer: undefined, isGone: refused || !lives };
        }
      }),
    );
  }

  /** Whether another master has passed this request on. */
  isPassedOn(request: AnyRequest): boolean {
    return this.#mark.isOn(request);
  }

  #pass(
    { url, instance }: { readonly url: string; readonly instance: InstanceId },
    { method, url: path, headers, bodyText }: AnyRequest,
  ): Promise<ForwardedAnswer> {
    const passed = FORWARDED_HEADERS.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' && (name !== 'content-type' || bodyText !== '') ? [[name, value] as const] : [];
    });
    const forwarded: ForwardedRequest = {
      method: FORWARDED_METHODS.find((known): known is ForwardedMethod => known === method) ?? 'GET',
      url: path,
      headers: Object.fromEntries(passed),
      body: bodyText,
    };
    // The time ends earlier when the master is found dead: then its connections are dropped.
    return this.#client.call<ForwardedAnswer>(`${url}/internal/rest`, instance, forwarded, this.#timing.peerCallMs);
  }
}

/** Whether the request has certainly not been carried out: nobody is there, or another run of the process. */
function isUntouched(error: unknown): boolean {
  return error instanceof PeerError && (error.failure === 'refused' || error.failure === 'wrongInstance');
}

async function send(reply: FastifyReply, { status, type, text }: ForwardedAnswer): Promise<void> {
  if (type) reply.type(type);
  if (status === 503 || status === 429) reply.header('retry-after', RETRY_AFTER_S);
  await reply.code(status).send(text === '' ? undefined : text);
}
