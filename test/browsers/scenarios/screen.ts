import { test } from 'node:test';
import type { Stage } from '../../fixtures/browsers/stage.ts';
import { until } from '../../fixtures/until.ts';

export function screenScenarios(stage: Stage): void {
  test('a shared screen: the other sees it and gets its type', async () => {
    const room = await stage.cluster.room();
    const [ann, bob] = [await stage.participant('Ann'), await stage.participant('Bob')];
    await ann.join({ room: room.name });
    await bob.join({ room: room.name });
    await stage.browser.openShared();
    await ann.publish({ source: 'screen' });
    await bob.sees(ann);
    await until('its type is SCREEN', () =>
      bob.page.evaluate(() => participant.streamOf('Ann').typeOfVideo === 'SCREEN'),
    );
  });
}
