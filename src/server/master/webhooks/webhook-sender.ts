import { Agent, request } from 'undici';
import { untilAborted } from '../../shared/deadline.ts';
import type { WebhookSettings } from './webhook-settings.ts';
import { EVENT_ID_HEADER, SIGNATURE_HEADER, signatureOf } from './webhook-signature.ts';

export type SendOutcome =
  | { readonly kind: 'sent' }
  /** `retryAfterMs`: the receiver's `Retry-After`. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number };

export interface Sender {
  send(event: { readonly id: string; readonly body: string }): Promise<SendOutcome>;
  close(): Promise<void>;
}

/** POSTs events to one target, over its own connections. */
export class WebhookSender implements Sender {
  readonly #target: string;
  readonly #settings: Pick<WebhookSettings, 'headers' | 'secret' | 'timeoutMs'>;
  readonly #agent: Agent;

  constructor(target: string, settings: Pick<WebhookSettings, 'headers' | 'secret' | 'timeoutMs'>) {
    this.#target = target;
    this.#settings = settings;
    this.#agent = new Agent({ connections: 1, pipelining: 1, connect: { timeout: settings.timeoutMs } });
  }

  /** `sent` means that the receiver answered 2xx in time. Redirects are not followed: the body is meant only for this target. */
  async send({ id, body }: { readonly id: string; readonly body: string }): Promise<SendOutcome> {
    const { headers, secret, timeoutMs } = this.#settings;
    // Covers the whole call, connecting included: a receiver whose host has vanished must not hold up the queue.
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const asked = request(this.#target, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          ...Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value])),
          'content-type': 'application/json',
          [EVENT_ID_HEADER]: id,
          ...(secret === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(body, secret, Date.now()) }),
        },
        body,
        signal,
      });
      const answer = await untilAborted(signal, asked, (late) => late.body.destroy());
      // Only the status counts. The body may be endless.
      answer.body.dump().catch(() => {});
      const { statusCode } = answer;
      if (statusCode >= 200 && statusCode < 300) return { kind: 'sent' };
      const retryAfterMs = readRetryAfter(answer.headers['retry-after'], Date.now());
      return { kind: 'failed', why: `status ${statusCode}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    } catch (error) {
      const { name, code, message } = error as { name?: string; code?: string; message?: string };
      return {
        kind: 'failed',
        why: name === 'TimeoutError' ? `no answer in ${timeoutMs} ms` : (code ?? message ?? ''),
      };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Reads seconds or a date; returns ms. `now`: Unix time, ms. */
export function readRetryAfter(header: string | string[] | undefined, now: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
