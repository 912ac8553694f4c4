import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FailoverPolicy } from '../../../src/server/store/store.ts';
import type { Participant } from '../../fixtures/browsers/participant.ts';
import type { Stage } from '../../fixtures/browsers/stage.ts';
import { until } from '../../fixtures/until.ts';

/** Quieter than the fake microphones, and louder than silence. */
const LOUD = 0.01;
/** Minimum of frames in a part of a recording, at 20 a second. */
const FRAMES = 40;

/** Bob records Ann and listens to her with Web Audio, as in docs/received-media.md. */
export function ownUseScenarios(stage: Stage): void {
  const hears = async ({ page }: Participant, when: string): Promise<void> => {
    // Firefox runs no audio graph on a machine without a sound card, such as a test machine.
    if (stage.kind === 'firefox') return;
    await until(`the graph is loud ${when}`, () => page.evaluate((loud) => mediaUse.loudness > loud, LOUD));
  };

  const goesOn = async (failover: FailoverPolicy, strike: (room: string) => { id: string; pid: number }) => {
    const { running } = stage.cluster;
    const pair = await stage.pair(failover);
    const { ann, bob } = pair;
    for (const url of ['/guide.js', '/media-use.js']) await bob.page.addScriptTag({ url });
    await bob.page.evaluate((name) => {
      globalThis.mediaUse = new MediaUse(name);
    }, ann.name);
    await hears(bob, 'before');
    await bob.sees(ann, FRAMES);

    const { id, pid } = strike(await running.mediaNodeOf(pair.room.name));
    const changes = await until('both tracks have changed, with events', async () => {
      const all = await bob.page.evaluate(() => mediaUse.changes);
      return new Set(all.map(({ toldBy, property }) => `${toldBy} ${property}`)).size === 4 && all;
    });
    await hears(bob, 'after');
    await bob.sees(ann, FRAMES);
    const parts = await bob.page.evaluate(() => mediaUse.playRecording());

    for (const change of changes) {
      assert.match(change.property, /^(audio|video)Track$/);
      assert.equal(change.reason, 'trackReplaced');
      assert.ok(change.isExact, JSON.stringify(change));
    }
    for (const { bytes, width, seconds } of parts) {
      assert.ok(bytes > 0 && width > 0 && seconds > 1, JSON.stringify(parts));
    }
    await running.restarted(id, pid);
  };

  test('a recording and a Web Audio graph continue after a rebuild of the session', () =>
    goesOn('rebuild', () => ({ id: 'master-1', pid: stage.cluster.running.cluster.kill('master-1') })));

  test('a recording and a Web Audio graph continue when the media node crashes and the media moves', () =>
    goesOn('takeover', (id) => ({ id, pid: stage.cluster.running.cluster.kill(id) })));

  test('a publisher that receives its own stream also gets events for its new tracks', async () => {
    const { running } = stage.cluster;
    const { ann } = await stage.pair('rebuild');
    await ann.page.evaluate(() => {
      const { publisher } = participant;
      const told: string[] = [];
      Object.assign(globalThis, { told });
      publisher.on('streamPropertyChanged', ({ changedProperty, newValue }) => {
        const isThere = publisher.stream
          .getMediaStream()
          .getTracks()
          .some((track) => track === newValue);
        told.push(`${changedProperty} ${isThere}`);
      });
      publisher.subscribeToRemote();
    });
    const isReceived = (): Promise<boolean> =>
      ann.page.evaluate(() => participant.publisher.stream.getMediaStream().getTracks().length === 2);
    await until('Ann receives herself', isReceived);
    const pid = running.cluster.kill('master-1');
    const told = await until('both tracks have changed', async () => {
      const all = await ann.page.evaluate(() => (globalThis as unknown as { told: string[] }).told);
      return all.length >= 2 && all;
    });
    assert.deepEqual(told.sort(), ['audioTrack true', 'videoTrack true']);
    await running.restarted('master-1', pid);
  });

  test('a recording and a Web Audio graph continue when the media node drains', () =>
    goesOn('rebuild', (id) => ({ id, pid: stage.cluster.running.cluster.kill(id, 'SIGTERM') })));
}
