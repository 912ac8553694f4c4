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
  const { url } = running.node(await running.mediaNodeOf(room));
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const count = (what: string): string =>
    new RegExp(`^rejoin_media_${what}\\S* (\\d+)$`, 'm').exec(metrics)?.[1] ?? '?';
  return `${count('transports')} transports, ${count('producers')} producers, ${count('consumers')} consumers`;
}

test('a client gives up its transports: its stream goes on over others, and those who receive it are told', async () => {
  const room = 'renewed';
  const [ann, bob, cat] = [await enter(room), await enter(room), await enter(room)];
  const streamId = await ann.publish();
  await bob.subscribe(streamId);
  assert.equal(await mediaCountsOf(room), '2 transports, 2 producers, 2 consumers');

  await ann.request('renewMedia', {});
  assert.equal(await mediaCountsOf(room), '1 transports, 0 producers, 0 consumers', 'nothing of it is left');
  // Whoever wants it now waits for it.
  const waiting = cat.subscribe(streamId);
  assert.equal(await ann.publish(), streamId);
  await waiting;
  await until('bob is told', () => toldTo(bob, 'streamRenewed').length === 1);
  assert.deepEqual(toldTo(bob, 'streamRenewed'), [{ streamId }]);
  await bob.subscribe(streamId);
  assert.equal(await mediaCountsOf(room), '3 transports, 2 producers, 4 consumers');
  for (const one of [bob, cat]) {
    assert.equal(toldTo(one, 'streamCreated').length, 1);
    assert.equal(toldTo(one, 'streamDestroyed').length, 0);
  }
  assert.equal(toldTo(ann, 'streamRenewed').length, 0, 'its publisher knows');
  // Once more, with nothing there: nothing happens.
  await cat.request('renewMedia', {});
  await cat.request('renewMedia', {});
  for (const one of [ann, bob, cat]) await one.leave();
});

test('where all media has moved nobody is told of each stream', async () => {
  const room = 'moved';
  const [ann, bob] = [await enter(room), await enter(room)];
  const streamId = await ann.publish();
  await ann.request('renewMedia', {});
  const mediaNode = await running.mediaNodeOf(room);
  const pid = running.cluster.kill(mediaNode);
  await until('both are told', () => [ann, bob].every((one) => toldTo(one, 'mediaMoved').length === 1));
  assert.equal(await ann.publish(), streamId);
  await bob.subscribe(streamId);
  assert.equal(toldTo(bob, 'streamRenewed').length, 0);
  for (const one of [ann, bob]) await one.leave();
  await running.restarted(mediaNode, pid);
});
