import assert from 'node:assert/strict';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HostCall } from '../fixtures/hosts/host-call.ts';
import { HostCluster } from '../fixtures/hosts/host-cluster.ts';
import { BALANCER, CLIENT } from '../fixtures/hosts/host-plan.ts';
import type { Traffic } from '../fixtures/hosts/link-rules.ts';
import { Pair } from '../fixtures/hosts/pair.ts';
import { FREEZE, LIMITS, unixNow, within } from '../fixtures/hosts/times.ts';

/** Links that lose packets: TCP repeats them with growing delays, and late data must not look like a death. */

const PERCENT = 25;
/** Duration of the loss on the control path of a living media node. */
const LONG_MS = 60_000;
/** Duration of the loss on each other link. */
const SHORT_MS = 8_000;
/** Time for signals that were sent during the loss, whose retransmissions are increasingly late. */
const DELIVERY_MS = 15_000;
const MEMBERS = ['ann', 'bob'] as const;

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

test("a quarter of the masters' TCP is lost for a minute and no UDP: the picture does not freeze", async (t) => {
  await pair.meet({ room: 'control-path', failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
  const { masters, mediaNodes } = hosts.plan;
  const began = unixNow();
  for (const [at, master] of masters.entries()) {
    for (const other of [...masters.slice(at + 1), ...mediaNodes, BALANCER]) {
      await hosts.network.lossy(master, other, PERCENT, 'tcp');
    }
  }
  await delay(LONG_MS);
  const gap = await pair.longestGap(began);
  const verdicts = verdictsSince(began);
  t.diagnostic(`verdicts: ${verdicts.join(', ') || 'none'}`);
  const healedAt = unixNow();
  await hosts.network.heal();
  within(t, 'longest gap of the picture', gap, FREEZE);
  within(t, 'signalling back', await pair.signalBack(healedAt), DELIVERY_MS);
  await pair.seeEachOther();
});

/** Every two kinds of process, with the lost traffic. */
const LINKS: readonly (readonly [name: string, one: string, other: string, traffic: Traffic])[] = [
  ['master and master', 'master-1', 'master-2', 'both'],
  ['owner and media node', 'master-2', 'media', 'both'],
  ['HAProxy and a master', BALANCER, 'master-1', 'both'],
  ['clients and HAProxy', CLIENT, BALANCER, 'both'],
  ['clients and media node', CLIENT, 'media', 'udp'],
];

for (const [name, one, other, traffic] of LINKS) {
  test(`a quarter of the packets is lost between ${name}: every signal arrives once, and the picture does not freeze`, async (t) => {
    const room = `lossy-${name.replaceAll(' ', '-')}`;
    await pair.meet({ room, failover: 'takeover', owner: 'master-2', edges: ['master-1', 'master-2'] });
    for (const [at, member] of MEMBERS.entries()) {
      const token = await hosts.token(room);
      await hosts.client.call('join', { member, room, token, urls: hosts.beginningAt(`master-${at + 1}`) });
    }
    const first = await hosts.session(room);
    for (const member of MEMBERS) await hosts.client.call('talk', { member, everyMs: 100 });
    const began = unixNow();
    await hosts.network.lossy(one, other === 'media' ? await pair.mediaNode() : other, PERCENT, traffic);
    await delay(SHORT_MS);
    const gap = await pair.longestGap(began);
    t.diagnostic(`verdicts: ${verdictsSince(began).join(', ') || 'none'}`);
    await hosts.network.heal();
    const healedAt = unixNow();
    await everythingArrives(t);
    within(t, 'every signal has arrived', unixNow() - healedAt, DELIVERY_MS);
    within(t, 'longest gap of the picture', gap, FREEZE);
    within(t, 'signalling back', await pair.signalBack(healedAt), DELIVERY_MS + LIMITS.signalling);
    await pair.seeEachOther();
    const last = await hosts.session(room);
    assert.equal(last?.uniqueSessionId, first?.uniqueSessionId, 'the same life of the session');
  });
}

async function everythingArrives(t: TestContext): Promise<void> {
  await Promise.all(MEMBERS.map((member) => hosts.client.call('hush', { member })));
  const talked = await Promise.all(MEMBERS.map((member) => hosts.client.call('talked', { member })));
  const sent = talked.reduce((sum, one) => sum + one.sent, 0);
  t.diagnostic(`${sent} messages, ${talked.reduce((sum, one) => sum + one.failed, 0)} refused`);
  assert.ok(sent > SHORT_MS / 100, `only ${sent} were sent`);
  for (const { received, failed } of talked) {
    assert.equal(failed, 0, 'a message was refused');
    assert.equal(received.length, new Set(received).size, 'a message arrived twice');
    assert.equal(received.length, sent, 'a message is lost');
  }
}

/** The nodes declared dead, and the number of masters that declared each. */
function verdictsSince(since: number): string[] {
  const peers = hosts.plan.masters
    .flatMap((master) => hosts.log(master))
    .filter(({ msg, time }) => msg === 'A node of the cluster is dead.' && Date.parse(String(time)) >= since)
    .map(({ peer }) => String(peer).split('@')[0]);
  return [...new Set(peers)].map((peer) => `${peer} × ${peers.filter((one) => one === peer).length}`);
}
