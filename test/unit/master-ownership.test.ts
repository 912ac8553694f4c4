import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Owned, Ownership } from '../../src/server/master/owner/ownership.ts';

describe('Ownership', { timeout: 10_000 }, () => {
  function asked(): { ownership: Ownership; looks: PromiseWithResolvers<Owned>[] } {
    const looks: PromiseWithResolvers<Owned>[] = [];
    const ownership = new Ownership(() => {
      const look = Promise.withResolvers<Owned>();
      looks.push(look);
      return look.promise;
    });
    return { ownership, looks };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('reads once for many callers, and never answers with a result from before the question', async () => {
    const { ownership, looks } = asked();
    const first = ownership.confirm(() => true);
    await turn();
    // These come during the first read, whose result may be outdated for them.
    const later = [ownership.confirm(() => true), ownership.confirm(() => true)];
    await turn();
    assert.equal(looks.length, 1);
    looks[0]?.resolve('yes');
    assert.equal(await first, true);
    await turn();
    assert.equal(looks.length, 2);
    looks[1]?.resolve('no');
    assert.deepEqual(await Promise.all(later), [false, false]);
    const last = ownership.confirm(() => true);
    await turn();
    looks[2]?.resolve('yes');
    assert.equal(await last, true);
  });

  it('waits while the store does not answer, as long as the caller needs the answer', async () => {
    const said: Owned[] = ['unknown', 'unknown', 'yes'];
    const patient = new Ownership(async () => said.shift() ?? 'no', 1);
    assert.equal(await patient.confirm(() => true), true);
    assert.deepEqual(said, []);

    let looks = 0;
    const ownership = new Ownership(async () => {
      looks += 1;
      return 'unknown';
    }, 1);
    assert.equal(await ownership.confirm(() => looks < 4), false);
    assert.equal(looks, 4);
  });
});
