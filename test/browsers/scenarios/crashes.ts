import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SessionEventName } from '../../fixtures/browsers/page/participant-page.ts';
import type { Pair } from '../../fixtures/browsers/pair.ts';
import type { Stage } from '../../fixtures/browsers/stage.ts';
import { until } from '../../fixtures/until.ts';

/** Longest allowed standstill of a picture after a crash, ms. */
const LONGEST_GAP_MS = 1_000;

/** Events that must not happen, because a crash ends none of the session's objects. */
const ENDINGS: readonly SessionEventName[] = ['streamDestroyed', 'connectionDestroyed', 'sessionDisconnected'];

export function crashScenarios(stage: Stage): void {
  const crash = async (
    t: TestContext,
    pair: Pair,
    victim: 'owner' | 'media node',
    recovered: () => Promise<unknown>,
  ): Promise<void> => {
    const { running } = stage.cluster;
    await pair.markVideos();
    const id = victim === 'owner' ? pair.room.owner : await running.mediaNodeOf(pair.room.name);
    const from = stage.now();
    const pid = running.cluster.kill(id);
    await recovered();
    await pair.writeToEachOther('does it work again');
    await pair.seeEachOther(20);
    const gapMs = await pair.longestGap(from);
    t.diagnostic(`longest gap between real frames: ${gapMs} ms`);
    for (const participant of pair.both) t.diagnostic(`${participant.name}: ${await participant.timeline(from)}`);
    await pair.hearEachOther();
    assert.ok(await pair.sameVideos(), 'the same videos');
    for (const participant of pair.both) {
      const story = await participant.story();
      for (const ending of ENDINGS) assert.ok(!story.includes(ending), `${participant.name}: ${story.join(' ')}`);
    }
    await running.restarted(id, pid);
    assert.ok(gapMs <= LONGEST_GAP_MS, `the picture stood still for ${gapMs} ms; ${LONGEST_GAP_MS} ms are allowed`);
  };

  const areRebuilt = async (pair: Pair): Promise<void> => {
    for (const participant of pair.both) {
      await participant.isTold('rebuilt');
      // A client at the owner loses its socket before it learns of the crash.
      const story = (await participant.story()).filter((event) => !/Created$|^reconnecting$/.test(event));
      assert.deepEqual(story, ['sessionDestroyed', 'rebuilding', 'rebuilt'], participant.name);
    }
  };

  test('the owner crashes, policy "rebuild": the session is rebuilt in the same videos', async (t) => {
    const pair = await stage.pair('rebuild');
    await crash(t, pair, 'owner', () => areRebuilt(pair));
  });

  test('the owner crashes, policy "takeover": another master continues the same session', async (t) => {
    const pair = await stage.pair('takeover');
    const { running } = stage.cluster;
    const before = await running.session(pair.room.name);
    await crash(t, pair, 'owner', () => pair.ann.isTold('reconnected'));
    const after = await running.session(pair.room.name);
    assert.equal(after?.uniqueSessionId, before?.uniqueSessionId);
    assert.notEqual(after?.owner, before?.owner);
    assert.ok(!(await pair.bob.story()).includes('reconnecting'), "Bob's socket was not at the owner");
  });

  test('the media node crashes, policy "rebuild": the session is rebuilt in the same videos', async (t) => {
    const pair = await stage.pair('rebuild');
    await crash(t, pair, 'media node', () => areRebuilt(pair));
  });

  test('the media node crashes, policy "takeover": the same streams continue at another node', async (t) => {
    const pair = await stage.pair('takeover');
    const { running } = stage.cluster;
    const before = await running.mediaNodeOf(pair.room.name);
    await crash(t, pair, 'media node', async () => {
      await Promise.all(pair.both.map((participant) => participant.isTold('reconnected')));
      await until('the media is elsewhere', async () => (await running.mediaNodeOf(pair.room.name)) !== before);
    });
  });
}
