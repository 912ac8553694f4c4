import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BROWSER_KINDS } from '../fixtures/browsers/browser-kind.ts';
import { CallCluster } from '../fixtures/browsers/call-cluster.ts';
import { type DrivenBrowser, openBrowser } from '../fixtures/browsers/driven-browser.ts';

let cluster: CallCluster;
before(async () => {
  cluster = await CallCluster.start();
});
after(() => cluster.stop());

for (const kind of BROWSER_KINDS) {
  describe(kind, () => {
    let browser: DrivenBrowser;
    before(async () => {
      browser = await openBrowser(kind);
    });
    after(() => browser.close());
    afterEach(async () => assert.deepEqual(await browser.closePages(), [], 'errors that the pages threw'));

    test('two see and hear each other, in the size and at the rate that was sent', async (t) => {
      const room = await cluster.room();
      const [ann, bob] = [await browser.participant(cluster.url, 'Ann'), await browser.participant(cluster.url, 'Bob')];
      await ann.join({ room: room.name });
      await bob.join({ room: room.name });
      await ann.publish({ picture: { width: 640, height: 360, frameRate: 20 }, videoSimulcast: false });
      await bob.publish({ source: 'camera' });
      await Promise.all([ann.sees(bob), bob.sees(ann)]);
      await Promise.all([ann.hears(bob), bob.hears(ann)]);
      await bob.seesInSize(ann, 640, 360);
      const { width, height, framesPerSecond, longestGapMs } = await bob.watches(ann, 3_000);
      t.diagnostic(`${width}x${height}, ${framesPerSecond.toFixed(1)} frames/s, longest gap ${longestGapMs} ms`);
      assert.deepEqual({ width, height }, { width: 640, height: 360 });
      assert.ok(framesPerSecond > 10 && framesPerSecond < 22, `${framesPerSecond} frames per second`);
      assert.ok(longestGapMs < 500, `${longestGapMs} ms`);
    });
  });
}
