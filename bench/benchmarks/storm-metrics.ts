import type { Metric } from '../report/metric.ts';

/** The measurements of one storm. */
export interface StormObserved {
  /** Time from the kill, ms, for each cut or moved connection. */
  readonly resumedAfter: readonly number[];
  readonly notResumed: number;
  readonly cpuSeconds: {
    /** The surviving masters. */
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
        what: `the same number of plain WebSockets to one bare server, which is killed and restarted: time until they are open again.`,
        samples: floor,
      },
      target: {
        statistic: 'p99',
        atMost: 5_000,
        meaning: `of ${connections.toLocaleString('en-US')} connections`,
        whenMissed:
          'Balancer, masters and clients share the cores of this machine: a client that gets no answer within 4 s starts over.',
      },
    },
    {
      key: 'notResumed',
      what: 'connections that did not come back',
      unit: 'connections',
      samples: observed.map(({ notResumed }) => notResumed),
      target: { statistic: 'max', atMost: 0, whenMissed: 'A member has lost its connection.', loss: true },
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
    cpu('masters', 'the two surviving masters'),
    cpu('restartedMaster', 'the killed master, restarted'),
    cpu('balancer', 'balancer'),
    cpu('load', 'the clients'),
  ];
}
