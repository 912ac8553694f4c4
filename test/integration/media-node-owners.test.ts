import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { contents, furnish, Harness, production, refused, view } from '../fixtures/media-node/harness.ts';
import { consumerData, type TestMaster, transportData } from '../fixtures/media-node/master.ts';
import { TIMING } from '../fixtures/media-node/settings.ts';
import { until } from '../fixtures/media-node/until.ts';

const GRACE_MS = 1_500;
const timing = { ...TIMING, ownerlessGraceMs: GRACE_MS };
const harness = new Harness();
afterEach(() => harness.end());

/** Waits for a grace period that begins now: that of a room whose owner never listens. */
async function graceOver(listener: TestMaster, url: string): Promise<void> {
  const stranger = harness.silentMaster(url, 'master-9@z');
  const room = `clock${listener.news.length}_1`;
  await stranger.command(stranger.fence(room), 'openRoom', {});
  assert.equal((await listener.hears('roomLost', room)).cause, 'ownerless');
}

describe('media node: fencing', () => {
  it('refuses all commands of a former owner, and none of its successor', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const former = await harness.master(url);
    const rtpCapabilities = await furnish(former, former.fence('r_1', 4));
    const successor = await harness.master(url, 'master-2@b');
    assert.equal(await contents(successor, successor.fence('r_1', 5)), 'down,up | audio,video | view');

    const stale = former.fence('r_1', 4);
    for (const attempt of [
      former.command(stale, 'openRoom', {}),
      former.command(stale, 'inventory', {}),
      former.command(stale, 'createTransport', { key: 'more', appData: transportData('con_c') }),
      former.command(stale, 'produce', { ...production('video'), key: 'more' }),
      former.command(stale, 'consume', view(rtpCapabilities)),
      former.command(stale, 'setProducerPaused', { key: 'audio', paused: true }),
      former.command(stale, 'closeProducer', { key: 'audio' }),
      former.command(stale, 'closeTransport', { key: 'up' }),
      former.command(stale, 'closeRoom', {}),
      former.command(former.fence('r_1', 5), 'closeRoom', {}),
      former.command(former.fence('r_9', 5), 'openRoom', {}),
    ]) {
      await assert.rejects(attempt, refused('EPOCH_STALE'));
    }
    assert.equal(await contents(successor, successor.fence('r_1', 5)), 'down,up | audio,video | view');
    await successor.command(successor.fence('r_1', 5), 'closeRoom', {});
    await assert.rejects(former.command(stale, 'openRoom', {}), refused('EPOCH_STALE'));
  });

  it('reports streams to a new owner with their state, muted ones as muted', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const owner = await harness.master(url);
    await furnish(owner, owner.fence('r_1'));
    await owner.command(owner.fence('r_1'), 'setProducerPaused', { key: 'audio', paused: true });

    const successor = await harness.master(url, 'master-2@b');
    const fence = successor.fence('r_1', 2);
    const { producers, consumers, transports } = await successor.command(fence, 'inventory', {});
    assert.deepEqual(
      producers.map(({ key, paused, appData: { stream } }) => [key, paused, stream.audioActive, stream.videoActive]),
      [
        ['audio', true, false, true],
        ['video', false, false, true],
      ],
    );
    assert.deepEqual(consumers, [{ key: 'view', producer: 'video', appData: consumerData('con_b', 'str_1') }]);
    assert.deepEqual(transports, [
      { key: 'up', appData: transportData('con_a', 'send') },
      { key: 'down', appData: transportData('con_b', 'recv') },
    ]);
    await successor.command(fence, 'setProducerPaused', { key: 'audio', paused: false });
    const after = await successor.command(fence, 'inventory', {});
    assert.ok(after.producers.every(({ paused, appData }) => !paused && appData.stream.audioActive));
  });
});

describe('media node: media without owner', () => {
  it('flows during the grace period, and ends with it', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const [owner, witness] = [await harness.master(url), await harness.master(url, 'master-2@b')];
    const peer = await harness.peer(url, owner.fence('r_1'));
    const states = witness
      .heard('transportState', 'r_1')
      .map(({ key, connectionId, state }) => [key, connectionId, state]);
    assert.deepEqual(states.sort(), [
      ['down', 'con_receiver', 'connected'],
      ['up', 'con_sender', 'connected'],
    ]);

    const [since, before] = [performance.now(), peer.frames];
    owner.stopListening();
    assert.deepEqual(await witness.hears('roomLost', 'r_1'), { uniqueSessionId: 'r_1', epoch: 1, cause: 'ownerless' });
    const took = performance.now() - since;
    assert.ok(peer.frames > before + 5, 'the picture continued');
    assert.ok(took > GRACE_MS * 0.9, `${took} ms`);
    await until('no room', () => witness.fact('rooms') === 0);
    await assert.rejects(owner.command(owner.fence('r_1'), 'inventory', {}), refused('SESSION_UNKNOWN'));
  });

  it('is kept by an owner that returns in time', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const [owner, witness] = [await harness.master(url), await harness.master(url, 'master-2@b')];
    await furnish(owner, owner.fence('r_1'));
    owner.stopListening();
    // If the owner returned at once, its absence would not be noticed.
    await delay(GRACE_MS / 2);
    await owner.listen();
    await graceOver(witness, url);
    assert.equal(await contents(owner, owner.fence('r_1')), 'down,up | audio,video | view');
    assert.deepEqual(witness.heard('roomLost', 'r_1'), []);
  });

  it('is kept by a new owner, and its clients see nothing of the change', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const [owner, successor] = [await harness.master(url), await harness.master(url, 'master-2@b')];
    const peer = await harness.peer(url, owner.fence('r_1'));
    owner.stopListening();
    const fence = successor.fence('r_1', 2);
    assert.equal(await contents(successor, fence), 'down,up | camera | view');
    await graceOver(successor, url);
    await peer.moreFrames();
    assert.equal(await contents(successor, fence), 'down,up | camera | view');

    peer.hangUp();
    for (const key of ['up', 'down']) {
      await successor.hears('transportState', 'r_1', (news) => news.key === key && news.state === 'failed');
    }
  });

  it('of a life that a rebuild has ended flows during the grace period, whichever master listens', async () => {
    const { url } = (await harness.mediaNode({ timing })).identity;
    const owner = await harness.master(url);
    const peer = await harness.peer(url, owner.fence('r_1'));
    // The same master may own the new life, too.
    await owner.command(owner.fence('r_2', 2), 'openRoom', {});
    const before = peer.frames;
    await assert.rejects(owner.command(owner.fence('r_1'), 'closeRoom', {}), refused('EPOCH_STALE'));
    assert.deepEqual(await owner.hears('roomLost', 'r_1'), { uniqueSessionId: 'r_1', epoch: 1, cause: 'ownerless' });
    assert.ok(peer.frames > before + 5, 'the picture continued');
    await graceOver(owner, url);
    assert.equal(await contents(owner, owner.fence('r_2', 2)), ' |  | ');
  });
});
