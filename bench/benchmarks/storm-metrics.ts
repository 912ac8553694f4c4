import type { Metric } from '../report/metric.ts';

/** What one storm has shown. */
export interface StormObserved {
  /** From the kill, ms, for each connection that was cut or moved. */
  readonly resumedAfter: readonly number[];
  readonly notResumed: number;
  readonly cpuSeconds: {
    /** Those that lived. */
    readonly masters: number;
    readonly restartedMaster: number;
    readonly balancer: number;
    readonly load: number;
  };
  /** For each connection, in all masters together. */
  readonly masterKb: number;
  readonly balancerKb: number;
}

export function stormMetrics(
  connections: number,
  observed: readonly StormObserved[],
  floor: readonly number[],
): Metric[] {
  const cpu = (key: keyof StormObserved['cpuSeconds'], what: string): Metric => ({
    key: `cpu.${key}`,
    what: `processor time: ${what}`,
    unit: 's',
    samples: observed.map(({ cpuSeconds }) => cpuSeconds[key]),
  });
  return [
    {
      key: 'resumedAfter',
      what: 'cut or moved connections: resumed after',
      unit: 'ms',
      samples: observed.flatMap(({ resumedAfter }) => resumedAfter),
      floor: {
        what: `as many plain WebSockets to one bare server, which is killed and started again: open again after.`,
        samples: floor,
      },
      target: {
        statistic: 'p99',
        atMost: 5_000,
        meaning: `of ${connections.toLocaleString('en-US')} connections`,
        whenMissed:
          'Balancer, masters and the clients themselves share the cores of this machine: who finds no turn within 4 s begins anew.',
      },
    },
    {
      key: 'notResumed',
      what: 'connections that did not come back',
      unit: 'connections',
      samples: observed.map(({ notResumed }) => notResumed),
      target: { statistic: 'max', atMost: 0, whenMissed: 'A member has lost its place.', loss: true },
    },
    {
      key: 'memory.masters',
      what: 'memory for each connection: masters',
      unit: 'KB',
      samples: observed.map(({ masterKb }) => masterKb),
    },
    {
      key: 'memory.balancer',
      what: 'memory for each connection: balancer',
      unit: 'KB',
      samples: observed.map(({ balancerKb }) => balancerKb),
    },
    cpu('masters', 'the two masters that live'),
    cpu('restartedMaster', 'the killed master, started again'),
    cpu('balancer', 'balancer'),
    cpu('load', 'the clients'),
  ];
}
