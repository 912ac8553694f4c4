import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HostCall } from '../fixtures/hosts/host-call.ts';
import { HostCluster } from '../fixtures/hosts/host-cluster.ts';
import { BALANCER, CLIENT } from '../fixtures/hosts/host-plan.ts';
import { Pair } from '../fixtures/hosts/pair.ts';
import { FREEZE, LIMITS, unixNow, within } from '../fixtures/hosts/times.ts';
import { until } from '../fixtures/until.ts';

/** Links between hosts that pass nothing, or nothing one way: packets are dropped without notice to either end. */

let hosts: HostCluster;
let call: HostCall;
let pair: Pair;
before(async () => {
  hosts = await HostCluster.start({ failover: 'takeover' });
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

/** Longer than a verdict, ms: afterwards no master takes a session from its owner any more. */
const SETTLED_MS = 4_000;

for (const [how, harm] of [
  ['is cut', (edge: string, owner: string) => hosts.network.cut(edge, owner)],
  ['passes nothing from the edge to the owner', (edge: string, owner: string) => hosts.network.oneWay(owner, edge)],
  ['passes nothing from the owner to the edge', (edge: string, owner: string) => hosts.network.oneWay(edge, owner)],
] as const) {
  test(`the link between edge and owner ${how}: clients continue through others, and the session stays`, async (t) => {
    const room = how.replaceAll(' ', '-');
    await pair.meet({ room, failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
    const first = await hosts.session(room);
    const cutAt = unixNow();
    await harm('master-1', 'master-2');
    within(t, 'signalling back', await pair.signalBack(cutAt), LIMITS.signalling);
    await hosts.network.heal();
    await pair.seeEachOther();
    within(t, 'longest gap of the picture', await pair.longestGap(cutAt), FREEZE);
    assert.equal((await hosts.session(room))?.epoch, first?.epoch, 'no master has claimed it');
  });
}

/** Clients report that their media flows, so the move may wait. */
const FLOWING_MS = 5_000;

test('the link between owner and media node is cut: the media finally moves, and the picture does not stop', async (t) => {
  await pair.meet({ room: 'owner-media', failover: 'takeover', owner: 'master-1', edges: ['master-1', 'master-2'] });
  const node = await pair.mediaNode();
  const cutAt = unixNow();
  await hosts.network.cut('master-1', node);
  const back = await pair.signalBack(cutAt);
  await until('the session is at another node', async () => (await pair.mediaNode()) !== node);
  within(t, 'the session is at another node', unixNow() - cutAt, LIMITS.picture + FLOWING_MS);
  await pair.seeEachOther();
  within(t, 'longest gap of the picture', await pair.longestGap(cutAt), FREEZE);
  within(t, 'signalling back', back, LIMITS.signalling);
});

test('the owner is cut off from everything: another master takes its session over, and the old owner steps down on its return', async (t) => {
  const room = 'cut-off';
  await pair.meet({ room, failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
  const cutAt = unixNow();
  await hosts.network.split(
    ['master-2'],
    hosts.plan.hosts.filter((host) => host !== 'master-2'),
  );
  within(t, 'signalling back', await pair.signalBack(cutAt), LIMITS.signalling);
  const taken = await hosts.session(room);
  assert.notEqual(await pair.owner(), 'master-2');
  await hosts.network.heal();
  await hosts.client.call('join', { member: 'late', room, urls: hosts.beginningAt('master-2') });
  await pair.seeEachOther();
  within(t, 'longest gap of the picture', await pair.longestGap(cutAt), FREEZE);
  assert.equal((await hosts.session(room))?.epoch, taken?.epoch, 'the former owner has claimed nothing back');
});

test('the cluster splits into halves: the clients continue in theirs, and one owner remains afterwards', async (t) => {
  const [lost, kept] = ['lost-half', 'kept-half'];
  const minority = ['master-1', 'media-1'];
  const majority = ['master-2', 'master-3', 'media-2', BALANCER, CLIENT];
  // The owner of the first session is in the half that the clients cannot reach, that of the second in theirs.
  await pair.meet({ room: lost, failover: 'takeover', owner: 'master-1', edges: ['master-1', 'master-2'] });
  await hosts.createSession(kept, 'master-2');
  await hosts.client.call('join', { member: 'cara', room: kept, urls: hosts.beginningAt('master-3') });
  const first = await hosts.session(kept);
  const media = await pair.mediaNode();

  const cutAt = unixNow();
  await hosts.network.split(minority, majority);
  const back = await pair.signalBack(cutAt);
  const picture = media === 'media-1' ? await pair.pictureBack(cutAt) : 0;
  // The single master in the other half must not take the session from this half.
  await until('the single master has probed both others', () => {
    const lines = hosts.log('master-1').filter(({ time }) => Date.parse(String(time)) > cutAt);
    return ['master-2', 'master-3'].every((other) =>
      lines.some(({ msg, peer }) => /cannot be reached|is dead/.test(String(msg)) && String(peer).startsWith(other)),
    );
  });
  const caraBack = (await hosts.client.call('signalBack', { member: 'cara' })) - unixNow();
  within(t, 'signalling back, session of the other half', back, LIMITS.signalling);
  within(t, 'signalling, session of this half, then', caraBack, LIMITS.signalling);
  within(t, 'picture back', picture, LIMITS.picture);

  const healedAt = unixNow();
  await hosts.network.heal();
  await hosts.rested({ leave: false });
  within(t, 'signalling back after the halves have met', await pair.signalBack(healedAt), LIMITS.signalling + 10_000);
  await pair.seeEachOther();
  // The smaller half takes nothing from the larger one.
  assert.notEqual(await hosts.ownerOf(lost), 'master-1');
  const settled = await hosts.session(lost);
  t.diagnostic(`session of the other half: epoch ${settled?.epoch}, owner ${await hosts.ownerOf(lost)}`);
  await delay(SETTLED_MS);
  assert.equal((await hosts.session(lost))?.epoch, settled?.epoch, 'one owner remains');
  const last = await hosts.session(kept);
  t.diagnostic(
    `epochs of the session of this half: ${first?.epoch} → ${last?.epoch}, owner ${await hosts.ownerOf(kept)}`,
  );
  assert.equal(last?.uniqueSessionId, first?.uniqueSessionId);
});
