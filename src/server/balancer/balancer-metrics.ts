import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { NodeId } from '../shared/identity.ts';

/** The balancer's metrics. */
export class BalancerMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'status'>;

  constructor(node: NodeId, now: { readonly tunnels: () => number; readonly healthyMasters: () => number }) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ node });
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'rejoin_balancer_requests_total',
      help: 'Requests and upgrades forwarded, by the status that the client got',
      labelNames: ['status'],
      registers,
    });
    new Gauge({
      name: 'rejoin_balancer_connections',
      help: 'WebSockets open through this balancer',
      registers,
      collect(): void {
        this.set(now.tunnels());
      },
    });
    new Gauge({
      name: 'rejoin_balancer_healthy_masters',
      help: 'Masters in rotation',
      registers,
      collect(): void {
        this.set(now.healthyMasters());
      },
    });
  }

  request(status: number): void {
    this.#requests.inc({ status: String(status) });
  }
}
