import { Counter, Gauge, type Registry } from 'prom-client';

export type DeliveryOutcome = 'sent' | 'failed' | 'dropped';

/** Counts the outcomes of this master's deliveries, and those that wait. */
export class WebhookMetrics {
  readonly #counters: Readonly<Record<DeliveryOutcome, Counter<'target'>>>;

  /** `waiting`: the number of deliveries that wait for a target. */
  constructor(registry: Registry, targets: readonly string[], waiting: (target: string) => Promise<number>) {
    const counter = (outcome: DeliveryOutcome, help: string): Counter<'target'> => {
      const made = new Counter({
        name: `rejoin_webhook_${outcome}_total`,
        help,
        labelNames: ['target'] as const,
        registers: [registry],
      });
      for (const target of targets) made.inc({ target: labelOf(target) }, 0);
      return made;
    };
    this.#counters = {
      sent: counter('sent', 'Webhook events delivered'),
      failed: counter('failed', 'Attempts to deliver a webhook event that failed'),
      dropped: counter('dropped', 'Webhook events given up'),
    };
    new Gauge({
      name: 'rejoin_webhook_queue',
      help: 'Webhook events of this master that wait to be delivered',
      labelNames: ['target'] as const,
      registers: [registry],
      async collect() {
        // Unknown while the store does not answer.
        const counts = await Promise.all(targets.map((target) => waiting(target).catch(() => undefined)));
        this.reset();
        for (const [at, target] of targets.entries()) this.inc({ target: labelOf(target) }, counts[at] ?? Number.NaN);
      },
    });
  }

  count(outcome: DeliveryOutcome, target: string, by = 1): void {
    this.#counters[outcome].inc({ target: labelOf(target) }, by);
  }
}

/** A target's URL without the parts that may be secret. */
export function labelOf(target: string): string {
  const { origin, pathname } = new URL(target);
  return `${origin}${pathname}`;
}
