import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMarkdown } from '../../bench/report/markdown.ts';
import { amount, type Metric, readable, resultOf } from '../../bench/report/metric.ts';
import { type Report, reportOf, toJson } from '../../bench/report/report.ts';
import { toText } from '../../bench/report/table.ts';

const REASON = 'The disk is slow.';

const met: Metric = {
  key: 'quick',
  what: 'quick | thing',
  unit: 'ms',
  samples: [1, 2, 3],
  floor: { what: 'nothing at all.', samples: [0.25] },
  target: { statistic: 'p95', atMost: 3, whenMissed: REASON },
};
const missed: Metric = {
  key: 'slow',
  what: 'slow thing',
  unit: 's',
  samples: [10, 20],
  target: { statistic: 'max', atMost: 12.5, meaning: '5 × something', whenMissed: REASON },
};
const plain: Metric = { key: 'plain', what: 'plain thing', unit: 'KB', samples: [1_234.56] };

function reported(metrics: readonly Metric[]): Report {
  return {
    name: 'all',
    date: new Date('2031-02-03T04:05:06Z'),
    command: 'npm run bench -- all',
    machine: {
      cpu: 'A processor',
      cores: 2,
      memoryGiB: 8,
      node: 'v24.0.0',
      browsers: [],
      kernel: 'Linux 6',
      loadBefore: 0.5,
    },
    benchmarks: [reportOf({ name: 'one', title: 'a thing', method: 'By looking.', trials: 3, metrics }, 1.4)],
  };
}

test('a target is met up to its limit, and missed by what is over it', () => {
  assert.equal(resultOf(met).verdict?.missedBy, undefined);
  assert.equal(resultOf(missed).verdict?.missedBy, 7.5);
  assert.equal(resultOf(plain).verdict, undefined);
  const none = { ...plain, target: { statistic: 'max', atMost: 0, whenMissed: REASON } } as const;
  assert.equal(resultOf({ ...none, samples: [0] }).verdict?.missedBy, undefined);
  assert.equal(resultOf({ ...none, samples: [0, 1] }).verdict?.missedBy, 1);
  const loss = { ...none, target: { ...none.target, loss: true } } as const;
  assert.deepEqual(
    [none, loss].flatMap((metric) => [[0], [1]].map((samples) => resultOf({ ...metric, samples }).verdict?.isLoss)),
    [false, false, false, true],
  );
});

test('a target for a quantity that should be high has a minimum', () => {
  const rate = { ...plain, unit: 'frames/s', target: { statistic: 'min', atLeast: 19, whenMissed: REASON } } as const;
  assert.equal(resultOf({ ...rate, samples: [30, 19] }).verdict?.missedBy, undefined);
  assert.equal(resultOf({ ...rate, samples: [30, 18] }).verdict?.missedBy, 1);
  const { benchmarks } = JSON.parse(toJson(reported([{ ...rate, samples: [30, 18] }])));
  assert.deepEqual(benchmarks[0].metrics[0].target, { statistic: 'min', atLeast: 19 });
  assert.match(toMarkdown(reported([{ ...rate, samples: [30, 18] }])), /\| min ≥ 19 \| no, by 1 \|/);
});

test('an amount of one has the singular', () => {
  assert.deepEqual(
    [amount(1, 'frames'), amount(2, 'frames'), amount(1, 'ms'), amount(1, 'px')],
    ['1 frame', '2 frames', '1 ms', '1 px'],
  );
});

test('numbers have their significant digits', () => {
  assert.deepEqual([0, 0.256, 4.1259, 19.96, 20.4, 1_234.56].map(readable), ['0', '0.26', '4.1', '20', '20', '1,235']);
});

test('JSON has every number, its floor beside it, and whether the target is met', () => {
  const { date, machine, benchmarks } = JSON.parse(toJson(reported([met, missed, plain])));
  assert.equal(date, '2031-02-03T04:05:06.000Z');
  assert.equal(machine.cores, 2);
  const [{ name, trials, metrics }] = benchmarks;
  assert.deepEqual([name, trials], ['one', 3]);
  const [first, second, third] = metrics;
  const { floor, target, ...values } = first;
  assert.deepEqual(values, {
    ...{ key: 'quick', what: 'quick | thing', unit: 'ms', count: 3, min: 1, p50: 2, p95: 3, p99: 3, max: 3 },
    met: true,
  });
  assert.equal(floor.p95, 0.25);
  assert.deepEqual(target, { statistic: 'p95', atMost: 3 });
  assert.deepEqual([second.met, second.missedBy, second.why], [false, 7.5, REASON]);
  assert.deepEqual(['floor' in third, 'target' in third, 'met' in third], [false, false, false]);
});

test('the tables show the excess over a missed target, and its cause only then', () => {
  for (const write of [
    (metrics: readonly Metric[]) => toMarkdown(reported(metrics)),
    (metrics: readonly Metric[]) => reported(metrics).benchmarks.map(toText).join(''),
  ]) {
    const good = write([met, plain]);
    assert.match(good, /p95 ≤ 3 .*yes/);
    assert.ok(!good.includes(REASON));
    const bad = write([met, missed]);
    assert.match(bad, /max ≤ 12\.5 \(5 × something\) .*no, by 7\.5/);
    assert.match(bad, /slow thing: missed by 7\.5 s\. The disk is slow\./);
  }
});

test('the page names the machine, the command and the floor, and its tables are complete', () => {
  const page = toMarkdown(reported([met, missed, plain]));
  for (const part of [
    'A processor, 2 cores',
    '`npm run bench -- all`',
    '2031-02-03 04:05 UTC',
    'Floor: nothing at all.',
  ]) {
    assert.ok(page.includes(part), part);
  }
  assert.match(page, /Targets: 1 met, 1 not met\./);
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  assert.equal(rows.length, 5);
  for (const row of rows) assert.equal(row.split(/(?<!\\)\|/).length, 12, row);
});
