import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage } from '../../fixtures/browsers/stage.ts';
import { until } from '../../fixtures/until.ts';

export function deviceScenarios(stage: Stage): void {
  test('getDevices lists cameras and microphones, and a device opens by its id', async () => {
    const { ann, bob } = await stage.pair('rebuild', { source: 'camera' });
    // Browsers list devices only in a focused window.
    await ann.page.bringToFront();
    const devices = await ann.page.evaluate(() => participant.rejoin.getDevices());
    for (const kind of ['videoinput', 'audioinput'] as const) {
      const device = devices.find((one) => one.kind === kind);
      assert.ok(device?.deviceId && device.label, `${kind}: ${JSON.stringify(devices)}`);
    }
    const videoSource = devices.find(({ kind }) => kind === 'videoinput')?.deviceId ?? '';
    const opened = await ann.page.evaluate(async (id) => {
      const media = await participant.rejoin.getUserMedia({ videoSource: id, audioSource: false });
      const [track] = media.getVideoTracks();
      if (!track) throw new Error('No track.');
      const { deviceId } = track.getSettings();
      await participant.publisher.replaceTrack(track);
      return deviceId;
    }, videoSource);
    assert.equal(opened, videoSource);
    await bob.sees(ann);
    const refused = await ann.page.evaluate(() =>
      participant.rejoin.getUserMedia({ videoSource: 'no-such-camera', audioSource: false }).then(
        () => 'opened',
        ({ name }: Error) => name,
      ),
    );
    assert.equal(refused, 'INPUT_VIDEO_DEVICE_NOT_FOUND');
  });

  test('a replaced track: both participants see the new picture, the other one at its size', async () => {
    const { ann, bob } = await stage.pair('rebuild', { source: 'camera' });
    await ann.page.evaluate(() => participant.showOwn());
    await until('Ann sees herself', () => ann.page.evaluate(() => participant.ownFrames.length > 5));
    await ann.page.evaluate(() =>
      participant.publisher.replaceTrack(participant.pictured({ width: 320, height: 320, frameRate: 20 })),
    );
    await until('Ann sees her own new picture move', () =>
      ann.page.evaluate(() => participant.ownFrames.filter(({ height }) => height === 320).length > 5),
    );
    await bob.seesInSize(ann, 320, 320);
    await until('Bob learns the size', () =>
      bob.page.evaluate(() => participant.streamOf('Ann').videoDimensions?.height === 320),
    );
    const { share } = await bob.watches(ann, 1_000);
    assert.notEqual(share, undefined, 'the frames of the new picture have numbers');
  });

  test('muting and unmuting camera and microphone changes what the other sees and hears', async () => {
    const pair = await stage.pair('rebuild', { source: 'camera' });
    const { ann, bob } = pair;
    const told = (property: 'videoActive' | 'audioActive', value: boolean): Promise<unknown> =>
      until(`Bob sees ${property} ${value}`, () =>
        bob.page.evaluate((name, expected) => participant.streamOf('Ann')[name] === expected, property, value),
      );
    // Muted only, and then with the camera released as well.
    for (const givesBack of [false, true]) {
      await ann.page.evaluate((back) => participant.publisher.publishVideo(false, back), givesBack);
      await told('videoActive', false);
      await until('no picture arrives', async () => (await bob.watches(ann, 500)).framesPerSecond === 0);
      await ann.page.evaluate(() => participant.publisher.publishVideo(true));
      await told('videoActive', true);
      await bob.sees(ann);
    }
    await ann.page.evaluate(() => participant.publisher.publishAudio(false));
    await told('audioActive', false);
    await until('no sound arrives', async () => !(await bob.hearsWithin(ann, 500)));
    await ann.page.evaluate(() => participant.publisher.publishAudio(true));
    await told('audioActive', true);
    await pair.hearEachOther();
  });
}
