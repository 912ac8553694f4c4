import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkHistory } from '../fixtures/history/check-history.ts';
import type { Happening, ToldEvent } from '../fixtures/history/history.ts';

const room = 'r';
const joins = (client: string): Happening => ({ kind: 'joined', client, room });
const leaves = (client: string): Happening => ({ kind: 'left', client });
const sends = (client: string, payload: string): Happening => ({ kind: 'sent', client, payload });
const resolves = (client: string, payload: string): Happening => ({
  kind: 'settled',
  client,
  payload,
  error: undefined,
});
const rejects = (client: string, payload: string): Happening => ({ kind: 'settled', client, payload, error: 'no' });
const gets = (client: string, payload: string, from = payload[0]): Happening => ({
  kind: 'received',
  client,
  payload,
  from,
});
const sees = (client: string, ...others: string[]): Happening[] =>
  others.map((who) => ({ kind: 'connectionCreated', client, who }));
const loses = (client: string, who: string): Happening => ({ kind: 'connectionDestroyed', client, who });
const stored = (epoch: number, owner: string, life = 'r_1'): Happening => ({
  kind: 'stored',
  room,
  life,
  epoch,
  owner,
});
const claimed = (epoch: number, owner: string, life = 'r_1'): Happening => ({
  kind: 'claimed',
  room,
  life,
  epoch,
  owner,
});
const lists = (...members: string[]): Happening => ({ kind: 'listed', room, members });

/** Two members of a room who know each other. */
const two: Happening[] = [
  { kind: 'room', room, failover: 'takeover' },
  joins('a'),
  ...sees('a', 'a'),
  joins('b'),
  ...sees('b', 'b', 'a'),
  ...sees('a', 'b'),
];

function findings(...history: (Happening | Happening[])[]): string[] {
  return checkHistory(history.flat().map((one, at) => ({ ...one, at }))).map(({ kind, what }) => `${kind}: ${what}`);
}

describe('a history without faults', () => {
  test('signals, a join, a departure, a change of owner', () => {
    const history = [
      two,
      claimed(1, 'm1'),
      stored(1, 'm1'),
      sends('a', 'a0'),
      sends('a', 'a1'),
      gets('a', 'a0'),
      gets('b', 'a0'),
      joins('c'),
      [...sees('c', 'c', 'a', 'b'), ...sees('a', 'c'), ...sees('b', 'c')],
      gets('b', 'a1'),
      gets('a', 'a1'),
      resolves('a', 'a1'),
      resolves('a', 'a0'),
      claimed(2, 'm2'),
      stored(2, 'm2'),
      sends('b', 'b0'),
      leaves('b'),
      rejects('b', 'b0'),
      gets('a', 'b0'),
      [loses('a', 'b'), loses('c', 'b')],
      { kind: 'told', client: 'b', event: 'sessionDisconnected' } as const,
      stored(5, 'm1', 'r_2'),
      lists('c', 'a'),
    ];
    assert.deepEqual(findings(...history), []);
  });

  test('a rejected signal may have arrived, and one during a join may not', () => {
    const history = [two, sends('a', 'a0'), joins('c'), sees('c', 'c', 'a', 'b'), sees('a', 'c'), sees('b', 'c')];
    assert.deepEqual(findings(...history, gets('a', 'a0'), gets('b', 'a0'), resolves('a', 'a0')), []);
    assert.deepEqual(findings(...history, gets('b', 'a0'), rejects('a', 'a0')), []);
  });
});

describe('faults of signals are named', () => {
  const all = (payload: string): Happening[] => [gets('a', payload), gets('b', payload)];
  const cases: [string, (Happening | Happening[])[], string[]][] = [
    [
      'lost',
      [sends('a', 'a0'), gets('a', 'a0'), resolves('a', 'a0')],
      ['lost: a0 did not arrive at b, although its promise resolved'],
    ],
    [
      'lost for its sender',
      [sends('a', 'a0'), gets('b', 'a0'), resolves('a', 'a0')],
      ['lost: a0 did not arrive at a, although its promise resolved'],
    ],
    ['twice', [sends('a', 'a0'), all('a0'), gets('b', 'a0'), resolves('a', 'a0')], ['duplicated: a0 at b']],
    [
      'twice, though rejected',
      [sends('a', 'a0'), all('a0'), gets('b', 'a0'), rejects('a', 'a0')],
      ['duplicated: a0 at b'],
    ],
    [
      'out of order',
      [sends('a', 'a0'), sends('a', 'a1'), all('a1'), all('a0'), resolves('a', 'a0'), resolves('a', 'a1')],
      ['reordered: a0 at a behind a1', 'reordered: a0 at b behind a1'],
    ],
    ['never settled', [sends('a', 'a0'), all('a0')], ['unsettled: the promise of a0']],
    ['without a sender', [gets('b', 'x9')], ['madeUp: x9 at b: no client sent it']],
    [
      'of another sender',
      [sends('a', 'a0'), gets('a', 'a0'), gets('b', 'a0', 'b'), resolves('a', 'a0')],
      ['misattributed: a0 at b, as from b'],
    ],
  ];
  for (const [name, history, expected] of cases) {
    test(name, () => assert.deepEqual(findings(two, ...history), expected));
  }
  test('signals of two senders have no order', () => {
    const history = [
      sends('a', 'a0'),
      sends('b', 'b0'),
      all('b0'),
      all('a0'),
      resolves('a', 'a0'),
      resolves('b', 'b0'),
    ];
    assert.deepEqual(findings(two, ...history), []);
  });
});

describe('faults of members are named', () => {
  const cases: [string, (Happening | Happening[])[], string[]][] = [
    ['announced twice', [sees('a', 'b')], ['createdTwice: b at a']],
    ['gone, and never announced', [leaves('b'), loses('a', 'b'), loses('a', 'b')], ['destroyedUnknown: b at a']],
    ['gone, and there', [loses('a', 'b')], ['destroyedThoughThere: b at a', "missing: b in a's view"]],
    ['a ghost', [leaves('b')], ["ghost: b in a's view"]],
    ['unknown to another', [joins('c'), sees('c', 'a', 'b', 'c'), sees('a', 'c')], ["missing: c in b's view"]],
    ['a ghost in the list', [leaves('b'), loses('a', 'b'), lists('a', 'b')], ["ghost: b in the REST API's list of r"]],
    ['listed twice', [lists('a', 'b', 'b')], ["ghost: b in the REST API's list of r"]],
    ['not listed', [lists('b')], ["missing: a in the REST API's list of r"]],
    ['disconnected', [{ kind: 'told', client: 'a', event: 'sessionDisconnected' }], ['disconnected: a']],
    [
      'an event of a crash despite takeover',
      [{ kind: 'told', client: 'a', event: 'sessionDestroyed' }],
      ['crashedDespiteTakeover: a'],
    ],
  ];
  for (const [name, history, expected] of cases) {
    test(name, () => assert.deepEqual(findings(two, ...history), expected));
  }
  test('with policy rebuild a crash may cause an event', () => {
    const told: Happening = { kind: 'told', client: 'a', event: 'sessionDestroyed' };
    assert.deepEqual(findings({ kind: 'room', room, failover: 'rebuild' }, joins('a'), sees('a', 'a'), told), []);
  });
  test('only signals of a missed life may be missing', () => {
    const told = (client: string, event: ToldEvent): Happening => ({ kind: 'told', client, event });
    const begin = [{ kind: 'room', room, failover: 'rebuild' } as const, joins('a'), joins('b')];
    const known = [...sees('a', 'a', 'b'), ...sees('b', 'a', 'b')];
    const crash = [told('a', 'sessionDestroyed'), told('b', 'sessionDestroyed'), told('a', 'rebuilt')];
    const said = [sends('a', 'a1'), gets('a', 'a1'), resolves('a', 'a1')];
    const again = [told('a', 'sessionDestroyed'), told('a', 'rebuilt')];
    const end = [lists('a', 'b')];
    const lost = ['lost: a1 did not arrive at b, although its promise resolved'];
    assert.deepEqual(findings(begin, known, crash, said, again, told('b', 'rebuilt'), end), []);
    assert.deepEqual(findings(begin, known, crash, said, told('b', 'rebuilt'), end), lost, 'no other crash');
    assert.deepEqual(findings(begin, known, crash, said, told('b', 'rebuilt'), again, end), lost, 'it was back before');
    assert.deepEqual(findings(begin, known, said, crash, again, told('b', 'rebuilt'), end), lost, 'sent before');
  });
  test('only the last list counts', () => {
    assert.deepEqual(findings(two, lists('a'), lists('a', 'b')), []);
  });
});

describe('faults of owners are named', () => {
  const cases: [string, Happening[], string[]][] = [
    ['two masters', [claimed(2, 'm1'), claimed(2, 'm2')], ['twoOwners: r, epoch 2: m1 of r_1 and m2 of r_1']],
    [
      'another than the store has',
      [stored(2, 'm1'), claimed(2, 'm2')],
      ['twoOwners: r, epoch 2: m1 of r_1 and m2 of r_1'],
    ],
    ['two lives', [stored(2, 'm1'), stored(2, 'm1', 'r_2')], ['twoOwners: r, epoch 2: m1 of r_1 and m1 of r_2']],
    ['an epoch that falls', [stored(3, 'm1'), stored(2, 'm2', 'r_2')], ['epochFell: r: from 3 to 2']],
  ];
  for (const [name, history, expected] of cases) test(name, () => assert.deepEqual(findings(history), expected));
  test('a log line of a master may be late', () => {
    assert.deepEqual(findings(claimed(3, 'm1'), claimed(2, 'm2')), []);
  });
});
