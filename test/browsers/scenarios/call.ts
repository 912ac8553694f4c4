import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage } from '../../fixtures/browsers/stage.ts';

export function callScenarios(stage: Stage): void {
  test('two participants see and hear each other, at the sent size and rate', async (t) => {
    const { ann, bob } = await stage.pair('rebuild', { picture: { width: 640, height: 360, frameRate: 20 } });
    await bob.seesInSize(ann, 640, 360);
    const { width, height, framesPerSecond, share = 0, longestGapMs } = await bob.watches(ann, 3_000);
    t.diagnostic(`${width}x${height}, ${framesPerSecond.toFixed(1)} frames/s, longest gap ${longestGapMs} ms`);
    assert.deepEqual({ width, height }, { width: 640, height: 360 });
    // A busy machine draws fewer frames than requested, but the drawn ones arrive.
    assert.ok(share > 0.8 && framesPerSecond < 22, `${share} of the frames, ${framesPerSecond} a second`);
    assert.ok(longestGapMs < 500, `${longestGapMs} ms`);
  });

  test('a signalling socket is cut: the picture does not stop, and no signal is lost', async (t) => {
    const pair = await stage.pair();
    const { ann, bob } = pair;
    const from = stage.now();
    assert.equal(await bob.page.evaluate(() => participant.dropSockets()), 1);
    await ann.says('sent while you were away');
    await bob.isTold('reconnected');
    await bob.reads('sent while you were away');
    await pair.writeToEachOther('are you back');
    await pair.seeEachOther();
    const gapMs = await pair.longestGap(from);
    t.diagnostic(`longest gap ${gapMs} ms`);
    assert.ok(gapMs < 500, `${gapMs} ms`);
    assert.deepEqual((await bob.story()).slice(-2), ['reconnecting', 'reconnected']);
    assert.ok(!(await ann.story()).includes('reconnecting'));
  });
}
