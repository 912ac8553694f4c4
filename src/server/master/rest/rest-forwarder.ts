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
/** The answer of a master that doesn't own the session: it has done nothing, so look up the owner again. */
const NOT_OWNER = 421;

/** Another master's answer to a request sent to all masters; `undefined` when it didn't answer. */
export interface Elsewhere {
  readonly node: ListedNode;
  readonly answer: ForwardedAnswer | undefined;
  /** Whether that master certainly doesn't run any more. */
  readonly isGone: boolean;
}

/** Forwards REST requests. Any master may receive them, but only the owner of a session can answer for it. */
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

  /** How long to look for the owner of a session, ms. */
  get patienceMs(): number {
    return this.#timing.peerCallMs;
  }

  /**
   * Forwards the request to the session's owner and sends its answer, unless this master is the owner. While a session is being
   * created, ended or taken over, the lookup is repeated up to `until`, as `performance.now()`.
   * @throws {RestError} 421 for a forwarded request if the owner is not here; 503
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
      if (this.isPassedOn(request)) throw new RestError(NOT_OWNER, `This master does not own session ${sessionId}.`);
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
          'The owner of a session does not answer a REST request.',
        );
        // Try elsewhere only if the request was certainly not executed, or if executing it twice does no harm.
        const harmless = request.method === 'GET' || request.headers['idempotency-key'] !== undefined;
        if (!isUntouched(error) && !harmless) break;
        await delay(AGAIN_MS);
      }
    }
    throw new RestError(503, `The owner of session ${sessionId} does not answer at the moment. Try again in a moment.`);
  }

  /**
   * Forwards the request to another ready master and sends its answer. `false` when there is none.
   * @throws {RestError} 503 when it is unknown whether the request was carried out
   */
  async toAnother(request: AnyRequest, reply: FastifyReply): Promise<boolean> {
    if (this.isPassedOn(request)) return false;
    const masters = this.#directory.live('master').sort((a, b) => Number(a.isDoubted) - Number(b.isDoubted));
    for (const master of masters) {
      if (master.beat?.ready === false) continue;
      try {
        const answer = await this.#pass(master, request);
        if (answer.status === NOT_OWNER)
          throw new RestError(503, 'Another master owns the session by now. Try again in a moment.');
        await send(reply, answer);
        return true;
      } catch (error) {
        if (error instanceof RestError) throw error;
        this.#log.warn({ err: error, peer: master.instance }, 'A master does not answer a REST request.');
        if (isUntouched(error)) continue;
        throw new RestError(503, 'The master chosen for this request does not answer. Try again in a moment.');
      }
    }
    return false;
  }

  /**
   * The sessions that the other masters own.
   * @throws {RestError} 503 when a living master doesn't answer, because an incomplete list would look complete
   */
  async listElsewhere(request: AnyRequest): Promise<Json[]> {
    const all = await this.elsewhere(request);
    return all.flatMap(({ node, answer, isGone }) => {
      if (answer?.status === 200) return (JSON.parse(answer.text) as { content: Json[] }).content;
      if (isGone) return [];
      throw new RestError(
        503,
        `The master ${nodeIdOf(node.instance)} did not list its sessions. Try again in a moment.`,
      );
    });
  }

  /** Asks all other masters the same. Empty for a forwarded request, as each master answers only for itself then. */
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

  /** Whether another master has forwarded this request. */
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
    // If the master is found dead, its connections are dropped, which ends the call before the timeout.
    return this.#client.call<ForwardedAnswer>(`${url}/internal/rest`, instance, forwarded, this.#timing.peerCallMs);
  }
}

/** Whether the request was certainly not carried out: no process, or another run of it, is at the address. */
function isUntouched(error: unknown): boolean {
  return error instanceof PeerError && (error.failure === 'refused' || error.failure === 'wrongInstance');
}

async function send(reply: FastifyReply, { status, type, text }: ForwardedAnswer): Promise<void> {
  if (type) reply.type(type);
  if (status === 503 || status === 429) reply.header('retry-after', RETRY_AFTER_S);
  await reply.code(status).send(text === '' ? undefined : text);
}
