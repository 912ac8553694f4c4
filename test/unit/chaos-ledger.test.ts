import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Deed, History } from '../chaos/history.ts';
import { account } from '../chaos/ledger.ts';
import { recoveries } from '../chaos/recoveries.ts';

type Line = readonly [at: number, who: string, deed: Deed];

/** A room with Ann, Bob and Cat, each present from 0 on under the ids `c-ann` …, in one life. */
function historyOf(policy: 'takeover' | 'rebuild', lines: readonly Line[]): History {
  const history = new History();
  history.addRoom('room', policy);
  for (const who of ['ann', 'bob', 'cat']) {
    history.addPerson(who, 'room');
    welcome(history, `c-${who}`, 'room_1');
    history.add(who, { what: 'joined', connectionId: `c-${who}` }, 0);
  }
  for (const [at, who, deed] of lines) history.add(who, deed, at);
  return history;
}

function welcome(history: History, connectionId: string, uniqueSessionId: string): void {
  history.welcomes.push({ room: 'room', connectionId, uniqueSessionId, epoch: 1 });
}

const sent = (id: string): Deed => ({ what: 'sent', id });
const received = (id: string): Deed => ({ what: 'received', id });
const resolved = (id: string): Deed => ({ what: 'resolved', id });

/** A message that everyone receives, except `missing`. */
function said(id: string, at: number, missing: readonly string[] = []): Line[] {
  const [by = ''] = id.split(':');
  const here = ['ann', 'bob', 'cat'].filter((who) => !missing.includes(who));
  return [[at, by, sent(id)], ...here.map((who): Line => [at + 1, who, received(id)]), [at + 2, by, resolved(id)]];
}

test('a message that everyone received once is in order', () => {
  const { lost, duplicated, disordered, unsettled, ...counts } = account(
    historyOf('takeover', [...said('ann:1', 1_000), ...said('ann:2', 2_000), ...said('bob:1', 2_500)]),
  );
  assert.deepEqual([lost, duplicated, disordered, unsettled], [[], [], [], []]);
  assert.deepEqual(counts, {
    sent: 3,
    delivered: 9,
    resolved: 3,
    rejected: {},
    slowestMs: { takeover: 2 },
    missedByReturning: 0,
  });
});

test('a confirmed message that did not arrive is lost, even at its sender', () => {
  assert.deepEqual(account(historyOf('takeover', said('ann:1', 1_000, ['cat']))).lost, ['ann:1 → cat']);
  assert.deepEqual(account(historyOf('takeover', said('ann:1', 1_000, ['ann']))).lost, ['ann:1 → ann']);
});

test('participants that had left, or had not joined, lose nothing', () => {
  const left = historyOf('takeover', [[900, 'cat', { what: 'leaving' }], ...said('ann:1', 1_000, ['cat'])]);
  assert.deepEqual(account(left).lost, []);
  const leaving = historyOf('takeover', [...said('ann:1', 1_000, ['cat']), [1_001.5, 'cat', { what: 'leaving' }]]);
  assert.deepEqual(account(leaving).lost, []);
  const late = historyOf('takeover', said('ann:1', 1_000));
  late.addPerson('dan', 'room');
  welcome(late, 'c-dan', 'room_1');
  late.add('dan', { what: 'joined', connectionId: 'c-dan' }, 1_001);
  assert.deepEqual(account(late).lost, []);
});

test('a message that rejects is counted by policy and code, and is not lost', () => {
  const { lost, unsettled, rejected } = account(
    historyOf('rebuild', [
      [1_000, 'ann', sent('ann:1')],
      [1_001, 'bob', received('ann:1')],
      [1_002, 'ann', { what: 'rejected', id: 'ann:1', code: 'SESSION_DESTROYED' }],
    ]),
  );
  assert.deepEqual([lost, unsettled, rejected], [[], [], { 'rebuild SESSION_DESTROYED': 1 }]);
});

test('a message without an answer at the end is found', () => {
  const { unsettled } = account(
    historyOf('takeover', [
      [1_000, 'ann', sent('ann:1')],
      [1_001, 'bob', received('ann:1')],
    ]),
  );
  assert.deepEqual(unsettled, ['ann:1']);
});

test('an answer to an unsent message is a fault of the run itself', () => {
  assert.throws(() => account(historyOf('takeover', [[1_000, 'ann', resolved('ann:1')]])), /never sent/);
});

test('repeated and late messages are found', () => {
  const twice = account(historyOf('takeover', [...said('ann:1', 1_000), [9_000, 'bob', received('ann:1')]]));
  assert.deepEqual(twice.duplicated, ['ann:1 → bob']);
  const { disordered, duplicated } = account(
    historyOf('takeover', [
      ...said('ann:1', 1_000, ['bob']),
      ...said('ann:2', 2_000),
      [3_000, 'bob', received('ann:1')],
      ...said('bob:1', 2_000),
    ]),
  );
  assert.deepEqual([duplicated, disordered], [[], ['ann:1 → bob']]);
});

test('after a crash a message is owed to participants of the same life of the session; participants of a later life miss it', () => {
  const history = historyOf('rebuild', [
    [1_000, 'ann', { what: 'destroyed' }],
    [1_000, 'bob', { what: 'destroyed' }],
  ]);
  for (const who of ['ann', 'bob']) {
    welcome(history, `c-${who}-2`, 'room_2');
    history.add(who, { what: 'rebuilt', connectionId: `c-${who}-2` }, 1_500);
  }
  for (const [at, who, deed] of said('ann:1', 2_000, ['bob', 'cat'])) history.add(who, deed, at);
  // Cat has not noticed the crash yet.
  history.add('cat', { what: 'destroyed' }, 5_000);
  welcome(history, 'c-cat-2', 'room_2');
  history.add('cat', { what: 'rebuilt', connectionId: 'c-cat-2' }, 6_000);
  const { lost, missedByReturning } = account(history);
  assert.deepEqual([lost, missedByReturning], [['ann:1 → bob'], 1]);
});

test('a participant that knows of the crash has left that life, even if the sender does not know yet', () => {
  const history = historyOf('rebuild', [[900, 'cat', { what: 'destroyed' }], ...said('ann:1', 1_000, ['cat'])]);
  assert.deepEqual(account(history).lost, []);
});

test('a message sent before the rebuild but executed after it is for returned participants', () => {
  const history = historyOf('rebuild', [
    [1_000, 'ann', { what: 'destroyed' }],
    [1_000, 'bob', { what: 'destroyed' }],
    [1_100, 'ann', sent('ann:1')],
  ]);
  welcome(history, 'c-bob-2', 'room_2');
  history.add('bob', { what: 'rebuilt', connectionId: 'c-bob-2' }, 1_400);
  welcome(history, 'c-ann-2', 'room_2');
  history.add('ann', { what: 'rebuilt', connectionId: 'c-ann-2' }, 1_500);
  history.add('ann', received('ann:1'), 1_501);
  history.add('ann', resolved('ann:1'), 1_502);
  assert.deepEqual(account(history).lost, ['ann:1 → bob']);
});

test('recoveries are counted by policy and kind, from the first event of the failure', () => {
  const lines: Line[] = [
    [1_000, 'ann', { what: 'reconnecting', plane: 'signaling' }],
    [1_400, 'ann', { what: 'reconnecting', plane: 'signaling' }],
    [1_500, 'ann', { what: 'reconnecting', plane: 'media' }],
    [1_700, 'ann', { what: 'reconnected', kind: 'resume' }],
    [1_800, 'ann', { what: 'reconnected', kind: 'mediaMoved' }],
    [2_000, 'bob', { what: 'reconnecting', plane: 'signaling' }],
    [2_100, 'bob', { what: 'reconnected', kind: 'resume' }],
    [9_000, 'bob', { what: 'reconnecting', plane: 'signaling' }],
    [9_100, 'bob', { what: 'reconnected', kind: 'resume' }],
    [3_000, 'cat', { what: 'reconnecting', plane: 'signaling' }],
    [3_200, 'cat', { what: 'destroyed' }],
    [3_900, 'cat', { what: 'rebuilt', connectionId: 'c-cat-2' }],
  ];
  assert.deepEqual(recoveries(historyOf('rebuild', lines)), {
    'rebuild resume': { times: 3, longest: 700, who: 'ann' },
    'rebuild mediaMoved': { times: 1, longest: 300, who: 'ann' },
    'rebuild rebuild': { times: 1, longest: 700, who: 'cat' },
  });
});

test('an absent participant gets the messages on its return, or they are lost', () => {
  const back: Line[] = [
    [1_000, 'cat', { what: 'reconnecting', plane: 'signaling' }],
    ...said('ann:1', 9_000, ['cat']),
    [12_000, 'cat', { what: 'reconnected', kind: 'resume' }],
  ];
  assert.deepEqual(account(historyOf('takeover', back)).lost, ['ann:1 → cat']);
  assert.deepEqual(account(historyOf('takeover', [...back, [12_001, 'cat', received('ann:1')]])).lost, []);
});

test("a participant absent at the crash gets the former life's messages in the next one, or they are lost", () => {
  const back: Line[] = [
    [1_000, 'cat', { what: 'reconnecting', plane: 'signaling' }],
    ...said('ann:1', 9_000, ['cat']),
    [12_000, 'cat', { what: 'destroyed' }],
    [13_000, 'cat', { what: 'rebuilt', connectionId: 'c-cat-2' }],
  ];
  assert.deepEqual(account(historyOf('rebuild', back)).lost, ['ann:1 → cat']);
  assert.deepEqual(account(historyOf('rebuild', [...back, [13_001, 'cat', received('ann:1')]])).lost, []);
});

test('a leaving participant has at least all messages older than its newest one', () => {
  const leaves: Line[] = [...said('ann:1', 1_000, ['cat']), [3_000, 'cat', { what: 'leaving' }]];
  assert.deepEqual(account(historyOf('takeover', leaves)).lost, []);
  assert.deepEqual(
    account(
      historyOf(
        'takeover',
        [...said('bob:1', 2_000), ...leaves].sort(([a], [b]) => a - b),
      ),
    ).lost,
    ['ann:1 → cat'],
  );
});

test('messages of a sender that left while reconnecting are accounted for', () => {
  const left: Line[] = [
    ...said('ann:1', 9_000, ['cat']),
    [10_000, 'ann', { what: 'reconnecting', plane: 'signaling' }],
    [12_000, 'ann', { what: 'leaving' }],
  ];
  assert.deepEqual(account(historyOf('takeover', left)).lost, ['ann:1 → cat']);
});

test('participants that did not return, or too late, lose nothing', () => {
  const away: Line[] = [[8_000, 'cat', { what: 'reconnecting', plane: 'signaling' }], ...said('ann:1', 9_000, ['cat'])];
  const endings: Deed[] = [
    { what: 'leaving' },
    { what: 'disconnected', reason: 'networkDisconnect' },
    { what: 'rebuilt', connectionId: 'c-cat-2' },
  ];
  for (const ending of endings) {
    assert.deepEqual(account(historyOf('takeover', [...away, [30_000, 'cat', ending]])).lost, [], ending.what);
  }
  // Crashed, and then left.
  const crashed: Line[] = [...away, [12_000, 'cat', { what: 'destroyed' }], [30_000, 'cat', { what: 'leaving' }]];
  assert.deepEqual(account(historyOf('rebuild', crashed)).lost, []);
});
