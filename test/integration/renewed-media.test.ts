import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RawMember } from '../fixtures/cluster/raw-member.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { until } from '../fixtures/until.ts';

let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ failover: 'takeover', timing: { verdictMs: 1_500, beatMs: 300 } });
});
after(() => running.stop());
beforeEach(() => running.rested());

async function enter(room: string): Promise<RawMember> {
  return RawMember.join(running.socketUrl, await running.token(room));
}

const toldTo = ({ client }: RawMember, event: string): unknown[] =>
  client.frames.flatMap((frame) => (frame.t === 'evt' && frame.event === event ? [frame.data] : []));

async function mediaCountsOf(room: string): Promise<string> {
  const { internalUrl } = running.node(await running.mediaNodeOf(room));
  const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
  const count = (what: string): string =>
    new RegExp(`^rejoin_media_${what}\\S* (\\d+)$`, 'm').exec(metrics)?.[1] ?? '?';
  return `${count('transports')} transports, ${count('producers')} producers, ${count('consumers')} consumers`;
}

test('a client sends its stream over another transport: its receivers get an event, and nothing of the old one remains', async () => {
  const room = 'renewed';
  const [ann, bob] = [await enter(room), await enter(room)];
  const streamId = await ann.publish();
  await bob.subscribe(streamId);
  assert.equal(await mediaCountsOf(room), '2 transports, 2 producers, 2 consumers');

  assert.equal(await ann.publish('aaaa', 'another'), streamId);
  await until('bob gets the event', () => toldTo(bob, 'streamRenewed').length === 1);
  assert.deepEqual(toldTo(bob, 'streamRenewed'), [{ streamId, renewal: 1 }]);
  await until('the old producers are closed', async () => /2 producers, 0 consumers/.test(await mediaCountsOf(room)));
  await bob.subscribe(streamId);
  assert.equal(await mediaCountsOf(room), '3 transports, 2 producers, 2 consumers');
  await ann.request('closeTransport', { key: 'up-aaaa' });
  assert.equal(await mediaCountsOf(room), '2 transports, 2 producers, 2 consumers');

  // The same request again, as after a resume, changes nothing.
  assert.equal(await ann.publish('aaaa', 'another'), streamId);
  assert.equal(toldTo(bob, 'streamRenewed').length, 1);
  assert.equal(toldTo(ann, 'streamRenewed').length, 0, 'its publisher needs no event');
  for (const event of ['streamDestroyed', 'mediaMoved']) assert.equal(toldTo(bob, event).length, 0);
  assert.equal(toldTo(bob, 'streamCreated').length, 1);
  for (const one of [ann, bob]) await one.leave();
});

test('clients without the event find it in the snapshot: late participants, and all at the next owner', async () => {
  const room = 'renewed-and-taken-over';
  const owner = 'master-2';
  const edge = `${running.node('master-1').url.replace('http', 'ws')}/rejoin`;
  const [ann, bob] = await Promise.all(
    [1, 2].map(async () => RawMember.join(edge, await running.token(room, { owner }))),
  );
  assert.ok(ann && bob);
  await ann.publish();
  await ann.publish('aaaa', 'another');
  const renewalIn = ({ client }: RawMember): unknown => {
    const welcome = client.frames.findLast((frame) => frame.t === 'welcome');
    return welcome?.t === 'welcome' && welcome.snapshot?.others.flatMap(({ streams }) => streams)[0]?.renewal;
  };
  assert.equal(renewalIn(bob), undefined);
  const late = await RawMember.join(edge, await running.token(room));
  assert.equal(renewalIn(late), 1);
  const pid = running.cluster.kill(owner);
  for (const one of [ann, bob, late]) await one.follow();
  assert.equal(renewalIn(bob), 1);
  for (const one of [ann, bob, late]) await one.leave();
  await running.restarted(owner, pid);
});

test('after a move of all media, no stream has its own event', async () => {
  const room = 'moved';
  const [ann, bob] = [await enter(room), await enter(room)];
  const streamId = await ann.publish();
  const mediaNode = await running.mediaNodeOf(room);
  const pid = running.cluster.kill(mediaNode);
  await until('both get the event', () => [ann, bob].every((one) => toldTo(one, 'mediaMoved').length === 1));
  // A subscription before the stream exists waits for it.
  const waiting = bob.subscribe(streamId);
  assert.equal(await ann.publish('aaaa', 'another'), streamId);
  await waiting;
  assert.equal(toldTo(bob, 'streamRenewed').length, 0);
  for (const one of [ann, bob]) await one.leave();
  await running.restarted(mediaNode, pid);
});
