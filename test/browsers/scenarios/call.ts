import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage } from '../../fixtures/browsers/stage.ts';

export function callScenarios(stage: Stage): void {
  test('two see and hear each other, in the size and at the rate that was sent', async (t) => {
    const { ann, bob } = await stage.pair('rebuild', { picture: { width: 640, height: 360, frameRate: 20 } });
    await bob.seesInSize(ann, 640, 360);
    const { width, height, framesPerSecond, longestGapMs } = await bob.watches(ann, 3_000);
    t.diagnostic(`${width}x${height}, ${framesPerSecond.toFixed(1)} frames/s, longest gap ${longestGapMs} ms`);
    assert.deepEqual({ width, height }, { width: 640, height: 360 });
    assert.ok(framesPerSecond > 10 && framesPerSecond < 22, `${framesPerSecond} frames per second`);
    assert.ok(longestGapMs < 500, `${longestGapMs} ms`);
  });

  test('a signalling socket is cut: the picture does not stop, and no message is lost', async (t) => {
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
    const story = ['connectionCreated', 'streamCreated', 'reconnecting', 'reconnected'];
    assert.deepEqual((await bob.story()).filter((event) => event !== 'connectionCreated').slice(-2), story.slice(-2));
    assert.ok(!(await ann.story()).includes('reconnecting'));
  });
}
