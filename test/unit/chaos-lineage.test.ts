import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Deed, History } from '../chaos/history.ts';
import {
  brokenLineages,
  castOut,
  destroyedTakeovers,
  type LogLine,
  twoOwners,
  unexpectedEvents,
} from '../chaos/lineage.ts';

function line(node: string, msg: string, session: string, epoch: number, rest: Partial<LogLine> = {}): LogLine {
  return { node, pid: 1, time: '', msg, session, epoch, ...rest };
}

test('an epoch with two owners is found, even if only media nodes saw both', () => {
  const created = 'Created a session.';
  const taken = 'Took over the session.';
  const good = [
    line('master-1', created, 'r_1', 1),
    line('master-2', taken, 'r_1', 2),
    line('master-1', created, 'r_2', 3),
  ];
  assert.deepEqual(twoOwners(good), []);
  assert.deepEqual(twoOwners([...good, line('master-3', taken, 'r_1', 2)]), ['r_1 epoch 2: master-2 1, master-3 1']);
  assert.equal(twoOwners([...good, line('master-2', taken, 'r_1', 2, { pid: 7 })]).length, 1, 'another run of it');
  const seen = ['a@1', 'b@1'].map((owner) => line('media-1', 'A room has a new owner.', 'r_1', 2, { owner }));
  assert.deepEqual(twoOwners([...good, ...seen]), ['r_1 epoch 2: a@1, b@1']);
});

function historyOf(deeds: readonly (readonly [at: number, who: string, deed: Deed])[]): History {
  const history = new History();
  history.addRoom('calm', 'takeover');
  history.addRoom('wild', 'rebuild');
  for (const [who, room] of [
    ['ann', 'calm'],
    ['bob', 'calm'],
    ['cat', 'wild'],
    ['dan', 'wild'],
  ] as const) {
    history.addPerson(who, room);
    history.add(who, { what: 'joined', connectionId: `con_${who}` }, 0);
  }
  for (const [at, who, deed] of deeds) history.add(who, deed, at);
  return history;
}

test('welcomes: an epoch may rise but not fall, and a takeover session has one life', () => {
  const history = historyOf([]);
  const welcome = (room: string, connectionId: string, uniqueSessionId: string, epoch: number): void => {
    history.welcomes.push({ room, connectionId, uniqueSessionId, epoch });
  };
  welcome('calm', 'con_ann', 'calm_1', 1);
  welcome('calm', 'con_bob', 'calm_1', 2);
  welcome('calm', 'con_ann', 'calm_1', 2);
  welcome('wild', 'con_cat', 'wild_1', 1);
  welcome('wild', 'con_cat2', 'wild_2', 2);
  assert.deepEqual(brokenLineages(history), []);
  welcome('calm', 'con_ann', 'calm_1', 1);
  assert.equal(brokenLineages(history).length, 1, 'an epoch that falls');
  welcome('calm', 'con_eve', 'calm_2', 3);
  assert.equal(brokenLineages(history).length, 2, 'another life');
});

test('takeover: no event reports a present participant as gone, or anyone twice', () => {
  const saw = (
    event: 'connectionCreated' | 'connectionDestroyed' | 'streamCreated' | 'streamDestroyed',
    subject: string,
  ) => ({ what: 'saw', event, subject }) as const;
  const legitimate = historyOf([
    [1, 'ann', saw('connectionCreated', 'con_bob')],
    [1, 'ann', saw('streamCreated', 'str_CAM_x_con_bob')],
    [5, 'bob', { what: 'leaving' }],
    [6, 'ann', saw('streamDestroyed', 'str_CAM_x_con_bob')],
    [6, 'ann', saw('connectionDestroyed', 'con_bob')],
    [7, 'cat', saw('connectionDestroyed', 'con_dan')],
  ]);
  assert.deepEqual(unexpectedEvents(legitimate), [], 'with rebuild, a participant that is not back in time has left');
  const wrong = historyOf([
    [1, 'ann', saw('connectionCreated', 'con_bob')],
    [2, 'ann', saw('connectionCreated', 'con_bob')],
    [3, 'ann', saw('streamDestroyed', 'str_CAM_x_con_bob')],
    [4, 'ann', saw('connectionDestroyed', 'con_bob')],
  ]);
  assert.equal(unexpectedEvents(wrong).length, 3);
});

test('involuntary ends differ from leaving, and a takeover session must report no crash', () => {
  const history = historyOf([
    [5, 'ann', { what: 'leaving' }],
    [6, 'ann', { what: 'disconnected', reason: 'disconnect' }],
    [7, 'bob', { what: 'disconnected', reason: 'networkDisconnect' }],
    [8, 'cat', { what: 'destroyed' }],
  ]);
  assert.equal(castOut(history).length, 1);
  assert.match(castOut(history)[0] ?? '', /^bob: networkDisconnect/);
  assert.deepEqual(destroyedTakeovers(history), []);
  history.add('bob', { what: 'destroyed' }, 9);
  assert.equal(destroyedTakeovers(history).length, 1);
});
