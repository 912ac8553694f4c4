import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { type MasterLink, MasterPool } from '../../src/server/balancer/master-pool.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import type { LiveLinkEvents } from '../../src/server/shared/live-link.ts';

class FakeLink extends EventEmitter<LiveLinkEvents> implements MasterLink {
  readonly url: string;
  confirmed = 0;
  closed = false;

  constructor(url: string) {
    super();
    this.url = url;
  }

  beat(ready: boolean): void {
    this.emit('beat', { kind: 'beat', load: 0, ready, facts: {} });
  }

  die(): void {
    this.emit('dead', `${this.url}@1` as InstanceId, 'refused');
  }

  async confirm(): Promise<boolean> {
    this.confirmed += 1;
    return true;
  }

  close(): void {
    this.closed = true;
  }
}

function poolOf(...urls: string[]): { pool: MasterPool; links: FakeLink[] } {
  const links = urls.map((url) => new FakeLink(url));
  return {
    pool: new MasterPool(
      links.map((link) => ({ url: link.url, link })),
      pino({ level: 'silent' }),
    ),
    links,
  };
}

describe('MasterPool', () => {
  it('has no master in rotation before the first beat', () => {
    const { pool } = poolOf('a', 'b');
    assert.deepEqual(pool.rotation(), []);
    assert.equal(pool.healthy, 0);
  });

  it('begins with another master each time and lists all of them', () => {
    const { pool, links } = poolOf('a', 'b', 'c');
    for (const link of links) link.beat(true);
    assert.deepEqual(pool.rotation(), ['a', 'b', 'c']);
    assert.deepEqual(pool.rotation(), ['b', 'c', 'a']);
    assert.deepEqual(pool.rotation(), ['c', 'a', 'b']);
    assert.deepEqual(pool.rotation(), ['a', 'b', 'c']);
  });

  it('distributes evenly while one is away', () => {
    const { pool, links } = poolOf('a', 'b', 'c');
    for (const link of links) link.beat(true);
    links[1]?.die();
    const first = Array.from({ length: 100 }, () => pool.rotation()[0]);
    assert.equal(first.filter((url) => url === 'a').length, 50);
    assert.equal(first.filter((url) => url === 'c').length, 50);
  });

  it('takes a draining or dead master out of rotation and restores it later', () => {
    const { pool, links } = poolOf('a', 'b');
    for (const link of links) link.beat(true);
    links[0]?.beat(false);
    assert.deepEqual(pool.rotation(), ['b']);
    links[1]?.die();
    assert.deepEqual(pool.rotation(), []);
    links[1]?.beat(true);
    links[0]?.beat(true);
    assert.equal(pool.healthy, 2);
  });

  it('aborts requests at a dying master, with the cause', () => {
    const { pool, links } = poolOf('a', 'b');
    for (const link of links) link.beat(true);
    const [first, other] = [pool.lifeOf('a'), pool.lifeOf('b')];
    links[0]?.die();
    assert.equal(first.aborted, true);
    assert.equal(first.reason, 'broken');
    assert.equal(other.aborted, false);
    // The next process at this address has its own life.
    assert.equal(pool.lifeOf('a').aborted, false);
  });

  it('probes a suspect at once, and only the suspect', () => {
    const { pool, links } = poolOf('a', 'b');
    pool.suspect('b');
    assert.deepEqual(
      links.map(({ confirmed }) => confirmed),
      [0, 1],
    );
    pool.close();
    assert.ok(links.every(({ closed }) => closed));
  });
});
