import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());

/** Two members, and the URL of the master that does not own their session. */
async function pair(room: string): Promise<{ one: Asker; two: Asker; through: { base: string } }> {
  await running.rest('POST', '/sessions', { customSessionId: room }, { base: running.node('master-1').url });
  const one = await Asker.join(running, room);
  const two = await Asker.join(running, room);
  return { one, two, through: { base: running.node('master-2').url } };
}

test('to all, without a sender', async () => {
  const { one, two, through } = await pair('all');
  for (const to of [undefined, null, []]) {
    const answer = await running.rest('POST', '/signal', { session: 'all', to, type: 'chat', data: 'hello' }, through);
    assert.deepEqual([answer.status, answer.text], [200, '']);
  }
  for (const member of [one, two]) {
    await member.happened('signal', 3);
    const ids = member.told('signal').map(({ id, ...rest }) => {
      assert.deepEqual(rest, { type: 'chat', data: 'hello' });
      return id;
    });
    assert.equal(new Set(ids).size, 3);
  }
  await running.rest('POST', '/signal', { session: 'all', type: null, data: null }, through);
  const { id, ...rest } = await one.happened('signal', 4);
  assert.deepEqual(rest, {});
  assert.equal(id.length, 12);
  for (const member of [one, two]) await member.leave();
});

test('to some, and to no others', async () => {
  const { one, two, through } = await pair('some');
  const send = (to: unknown, data: string) => running.rest('POST', '/signal', { session: 'some', to, data }, through);
  assert.equal((await send([one.id, one.id], 'for one')).status, 200);
  assert.equal((await send([two.id], 'for two')).status, 200);
  assert.equal((await send([one.id, two.id], 'for both')).status, 200);
  await one.happened('signal', 2);
  await two.happened('signal', 2);
  assert.deepEqual(
    one.told('signal').map(({ data }) => data),
    ['for one', 'for both'],
  );
  assert.deepEqual(
    two.told('signal').map(({ data }) => data),
    ['for two', 'for both'],
  );
  for (const member of [one, two]) await member.leave();
});

test('an impossible signal is refused with a named error, and reaches nobody', async () => {
  const { one, two, through } = await pair('refused');
  const elsewhere = await Asker.join(running, 'elsewhere');
  await running.rest('POST', '/sessions', { customSessionId: 'empty' });
  const cases: [number, RegExp, unknown][] = [
    [400, /session/, {}],
    [400, /session/, { session: 5 }],
    [400, /to must be/, { session: 'refused', to: one.id }],
    [400, /to\/0/, { session: 'refused', to: [5] }],
    [400, /type/, { session: 'refused', type: { a: 1 } }],
    [400, /data/, { session: 'refused', data: 5 }],
    [400, /data is too large/, { session: 'refused', data: '\u20ac'.repeat(30_000) }],
    [404, /no session/, { session: 'none' }],
    [404, /no session/, { session: 'a/b' }],
    [406, /Session empty has no participants/, { session: 'empty' }],
    [406, /no connection con_x/, { session: 'refused', to: [one.id, 'con_x'] }],
    [406, /no connection/, { session: 'refused', to: [elsewhere.id] }],
  ];
  for (const [status, message, body] of cases) {
    const answer = await running.rest('POST', '/signal', body, through);
    assert.equal(answer.status, status, `${JSON.stringify(body).slice(0, 100)}: ${answer.text}`);
    assert.match(String(answer.json['message']), message);
  }
  await running.rest('POST', '/signal', { session: 'refused', data: 'last' }, through);
  for (const member of [one, two]) {
    assert.equal((await member.happened('signal')).data, 'last');
    assert.equal(member.told('signal').length, 1);
  }
  assert.equal(elsewhere.told('signal').length, 0);
  for (const member of [one, two, elsewhere]) await member.leave();
});

test('a briefly absent member gets it on its return', async () => {
  await running.rest('POST', '/sessions', { customSessionId: 'away' }, { base: running.node('master-1').url });
  const edge = running.node('master-2');
  const urls = [edge.url.replace('http', 'ws'), running.url.replace('http', 'ws')];
  const client = new SdkClient({ urls });
  await client.session.connect(await running.token('away'));
  const pid = running.cluster.kill('master-2');
  await client.happened('reconnecting');
  for (const data of ['one', 'two']) {
    const { url } = running.node('master-1');
    assert.equal((await running.rest('POST', '/signal', { session: 'away', data }, { base: url })).status, 200);
  }
  await client.happened('reconnected');
  await until('both have arrived', () => client.signals.length >= 2);
  assert.deepEqual(client.signals, ['one', 'two']);
  client.session.disconnect();
  await running.restarted('master-2', pid);
});
