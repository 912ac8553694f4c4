import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { Keyed } from '../../src/server/media-node/keyed.ts';

class Thing {
  readonly observer = new EventEmitter();
  closed = false;

  close(): void {
    this.closed = true;
    this.observer.emit('close');
  }
}

function pending(): { made: Promise<Thing>; finish: (thing: Thing) => void; fail: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<Thing>();
  return { made: promise, finish: resolve, fail: reject };
}

describe('Keyed', () => {
  it('makes one object for all simultaneous and later callers', async () => {
    const things = new Keyed<Thing, string>();
    const thing = new Thing();
    let calls = 0;
    const create = async (): Promise<Thing> => {
      calls += 1;
      return thing;
    };
    const asked = [things.make('k', 'data', create), things.make('k', 'data', create)];
    for (const held of await Promise.all(asked)) assert.equal(held.object, thing);
    assert.equal((await things.make('k', 'other data', create)).appData, 'data');
    assert.equal(calls, 1);
    assert.equal(things.size, 1);
  });

  it('forgets a failure, so that the key can be used again', async () => {
    const things = new Keyed<Thing, string>();
    await assert.rejects(
      things.make('k', '', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(things.size, 0);
    await things.make('k', '', async () => new Thing());
    assert.equal(things.size, 1);
  });

  it('drops an object that closes by itself', async () => {
    const things = new Keyed<Thing, string>();
    const { object } = await things.make('k', '', async () => new Thing());
    object.close();
    assert.equal(things.size, 0);
    assert.deepEqual(await things.all(), []);
  });

  it('does not drop a successor with the same key', async () => {
    const things = new Keyed<Thing, string>();
    const { object: first } = await things.make('k', '', async () => new Thing());
    first.close();
    const second = await things.make('k', '', async () => new Thing());
    first.observer.emit('close');
    assert.deepEqual(await things.all(), [second]);
  });

  it('closes an object that is completed after its key was closed', async () => {
    const things = new Keyed<Thing, string>();
    const { made, finish } = pending();
    const asked = things.make('k', '', () => made);
    things.close('k');
    const thing = new Thing();
    finish(thing);
    await assert.rejects(asked, { code: 'UNAVAILABLE' });
    assert.ok(thing.closed);
    assert.equal(things.size, 0);
  });

  it('refuses an object that closed before its delivery', async () => {
    const things = new Keyed<Thing, string>();
    const thing = new Thing();
    thing.close();
    await assert.rejects(
      things.make('k', '', async () => thing),
      { code: 'UNAVAILABLE' },
    );
    assert.equal(things.size, 0);
  });

  it('waits for pending objects when asked for all', async () => {
    const things = new Keyed<Thing, string>();
    const [good, bad] = [pending(), pending()];
    const asked = [things.make('good', 'g', () => good.made), things.make('bad', 'b', () => bad.made)];
    const everything = things.all();
    good.finish(new Thing());
    bad.fail(new Error('no'));
    await Promise.allSettled(asked);
    assert.deepEqual(
      (await everything).map(({ key, appData }) => [key, appData]),
      [['good', 'g']],
    );
  });

  it('lets the later of two commands count, in whatever order they arrive', async () => {
    const things = new Keyed<Thing, string>();
    const make = (order: number) => things.make('k', '', async () => new Thing(), order);
    things.close('k', 2);
    await assert.rejects(make(1), { code: 'UNAVAILABLE' });
    const { object } = await make(3);
    things.close('k', 2);
    assert.ok(!object.closed, 'closed before it was made');
    assert.equal((await make(5)).object, object);
    things.close('k', 4);
    assert.ok(!object.closed, 'asked for again since');
    things.close('k', 6);
    await new Promise(setImmediate);
    assert.ok(object.closed);
    await assert.rejects(make(5), { code: 'UNAVAILABLE' });
    things.numberAnew();
    await make(1);
    assert.equal(things.size, 1);
  });

  it('makes nothing under a key whose object is still to be closed', async () => {
    const things = new Keyed<Thing, string>();
    const { made, finish } = pending();
    const first = things.make('k', '', () => made, 1);
    things.close('k', 2);
    const thing = new Thing();
    let isFirstClosed: boolean | undefined;
    const second = things.make(
      'k',
      '',
      async () => {
        isFirstClosed = thing.closed;
        return new Thing();
      },
      3,
    );
    await new Promise(setImmediate);
    assert.equal(isFirstClosed, undefined);
    finish(thing);
    await assert.rejects(first, { code: 'UNAVAILABLE' });
    assert.ok(!(await second).object.closed);
    assert.equal(isFirstClosed, true);
    assert.equal(things.size, 1);
  });

  it('remembers the last ten thousand closed keys, and no more', async () => {
    const things = new Keyed<Thing, string>();
    for (let order = 1; order <= 10_001; order += 1) things.close(`k${order}`, order);
    await assert.rejects(
      things.make('k2', '', async () => new Thing(), 1),
      { code: 'UNAVAILABLE' },
    );
    await things.make('k1', '', async () => new Thing(), 0);
  });
});
