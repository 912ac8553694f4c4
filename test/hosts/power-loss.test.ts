import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { HostCall } from '../fixtures/hosts/host-call.ts';
import { HostCluster } from '../fixtures/hosts/host-cluster.ts';
import { BALANCER } from '../fixtures/hosts/host-plan.ts';
import { joinAnew, Pair } from '../fixtures/hosts/pair.ts';
import { FREEZE, LIMITS, unixNow, within } from '../fixtures/hosts/times.ts';

/** Hosts that lose power: nothing is reset or refused, so their peers must detect it by silence. */

let hosts: HostCluster;
let call: HostCall;
let pair: Pair;
before(async () => {
  hosts = await HostCluster.start();
  call = await HostCall.open(hosts);
  pair = await Pair.open(hosts, call);
});
after(async () => {
  await call?.close();
  await hosts?.stop();
});
beforeEach(async () => {
  await pair.leave();
  await hosts.rested();
});

test("the owner's host, policy takeover: another master takes over, the picture never stops, and new participants can join", async (t) => {
  await pair.meet({ room: 'owner-takeover', failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
  const lostAt = unixNow();
  await hosts.powerOff('master-2');
  const [back, verdictAt, joining] = await Promise.all([
    pair.signalBack(lostAt),
    hosts.verdictOn('master-2', lostAt),
    joinAnew(hosts, 'newcomer-1'),
  ]);
  const gap = await pair.longestGap(lostAt);
  within(t, 'verdict', verdictAt - lostAt, LIMITS.verdict);
  within(t, 'signalling back', back, LIMITS.signalling);
  within(t, 'a new participant has joined', joining, LIMITS.join);
  within(t, 'longest gap of the picture', gap, FREEZE);
  assert.notEqual(await pair.owner(), 'master-2');
});

test("the owner's host, policy rebuild: all clients learn of it and are rebuilt with the same picture", async (t) => {
  await pair.meet({ room: 'owner-rebuild', failover: 'rebuild', owner: 'master-1', edges: ['master-1', 'master-3'] });
  const lostAt = unixNow();
  await hosts.powerOff('master-1');
  const [back, verdictAt, picture, rebuiltAt] = await Promise.all([
    pair.signalBack(lostAt),
    hosts.verdictOn('master-1', lostAt),
    pair.pictureBack(lostAt),
    pair.told('rebuilt'),
  ]);
  within(t, 'verdict', verdictAt - lostAt, LIMITS.verdict);
  within(t, 'signalling back', back, LIMITS.signalling);
  within(t, 'rebuilt', rebuiltAt - lostAt, LIMITS.signalling);
  within(t, 'picture back', picture, LIMITS.picture);
});

test("an edge's host, not the owner: its client comes back through another master, and the session stays", async (t) => {
  await pair.meet({ room: 'edge', failover: 'rebuild', owner: 'master-2', edges: ['master-3', 'master-2'] });
  const lostAt = unixNow();
  await hosts.powerOff('master-3');
  const back = await pair.signalBack(lostAt);
  const gap = await pair.longestGap(lostAt);
  within(t, 'signalling back', back, LIMITS.signalling);
  within(t, 'longest gap of the picture', gap, FREEZE);
  assert.equal(await pair.owner(), 'master-2');
});

for (const failover of ['takeover', 'rebuild'] as const) {
  test(`the media node's host, policy ${failover}: the picture returns from another node, and new participants can join`, async (t) => {
    await pair.meet({ room: `media-${failover}`, failover, owner: 'master-1', edges: ['master-1', 'master-2'] });
    const node = await pair.mediaNode();
    const lostAt = unixNow();
    await hosts.powerOff(node);
    const [back, verdictAt, picture, joining] = await Promise.all([
      pair.signalBack(lostAt),
      hosts.verdictOn(node, lostAt),
      pair.pictureBack(lostAt),
      joinAnew(hosts, `newcomer-${failover}`),
    ]);
    within(t, 'verdict', verdictAt - lostAt, LIMITS.verdict);
    within(t, 'signalling back', back, LIMITS.signalling);
    within(t, 'picture back', picture, LIMITS.picture);
    within(t, 'a new participant has joined', joining, LIMITS.join);
    assert.notEqual(await pair.mediaNode(), node);
  });
}

test('the hosts of the owner and of the media node at once, policy takeover', async (t) => {
  await pair.meet({ room: 'both', failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
  const node = await pair.mediaNode();
  const lostAt = unixNow();
  await hosts.powerOff('master-2', node);
  const [back, ownerAt, nodeAt, picture] = await Promise.all([
    pair.signalBack(lostAt),
    hosts.verdictOn('master-2', lostAt),
    hosts.verdictOn(node, lostAt),
    pair.pictureBack(lostAt),
  ]);
  within(t, 'verdict on the owner', ownerAt - lostAt, LIMITS.verdict);
  within(t, 'verdict on the media node', nodeAt - lostAt, LIMITS.verdict);
  within(t, 'signalling back', back, LIMITS.signalling);
  within(t, 'picture back', picture, LIMITS.picture);
});

test("HAProxy's host, off and on again: clients notice, come back, and the picture never stops", async (t) => {
  await pair.meet({ room: 'balancer', failover: 'takeover', owner: 'master-1', edges: ['master-1', 'master-2'] });
  const lostAt = unixNow();
  await hosts.powerOff(BALANCER);
  const noticedAt = await pair.told('reconnecting');
  within(t, 'noticed', noticedAt - lostAt, LIMITS.signalling);
  await hosts.powerOn(BALANCER);
  const onAt = unixNow();
  const back = await pair.signalBack(onAt);
  within(t, 'signalling back after the boot', back, LIMITS.signalling);
  within(t, 'longest gap of the picture', await pair.longestGap(lostAt), FREEZE);
  assert.equal(await pair.owner(), 'master-1');
});
