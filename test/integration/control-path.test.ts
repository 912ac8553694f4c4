import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { MediaState } from '../../src/protocol/model.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { FaultNet } from '../fixtures/faults/fault-net.ts';
import { until } from '../fixtures/until.ts';

/** Default times, so that the results apply to a cluster with default settings. */
const net = new FaultNet(1);
let running: RunningCluster;
before(async () => {
  running = await RunningCluster.start({ masters: 2, failover: 'takeover', reachedAt: net.reachedAt });
});
let guests: Guest[] = [];
afterEach(async () => {
  net.heal();
  await Promise.all(guests.map((guest) => guest.leave()));
  guests = [];
  await running.rested();
});
after(async () => {
  await running.stop();
  await net.close();
});

/** A member without a media stack that reports the media state of the test. */
class Guest {
  readonly asker: Asker;
  /** Its answer to a question about its media. */
  media: MediaState | 'nothing' = 'flows';
  #answered = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(asker: Asker) {
    this.asker = asker;
    this.#timer = setInterval(() => this.#answer(), 20);
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.asker.leave();
  }

  /** Reports that it shows the last announced media. */
  show(): void {
    const media = this.asker.told('mediaMoved').at(-1)?.media;
    assert.ok(media);
    this.asker.send('reportMedia', { mediaId: media.id, state: 'shown' });
  }

  #answer(): void {
    const asked = this.asker.told('mediaDoubted');
    for (const { mediaId } of asked.slice(this.#answered)) {
      if (this.media !== 'nothing') this.asker.send('reportMedia', { mediaId, state: this.media });
    }
    this.#answered = asked.length;
  }
}

/** Makes a room of master-1 whose members publish; default policy: takeover. */
async function talkingRoom(room: string, failover = 'takeover'): Promise<{ media: string; first: string }> {
  const created = await running.rest(
    'POST',
    '/sessions',
    { customSessionId: room, failover },
    { base: running.node('master-1').url },
  );
  assert.equal(created.status, 200, created.text);
  guests = await Promise.all([1, 2].map(async () => new Guest(await Asker.join(running, room))));
  for (const { asker } of guests) await asker.publish();
  assert.equal(await running.ownerOf(room), 'master-1');
  const [guest] = guests;
  assert.ok(guest);
  return { media: await running.mediaNodeOf(room), first: guest.asker.snapshot.media.id };
}

/** Time since then until all got the move of the media, ms. */
async function movedAfter(since: number): Promise<number> {
  await until('it moves', () => told('mediaMoved').every((times) => times === 1));
  return performance.now() - since;
}

const told = (event: 'mediaMoved' | 'mediaDoubted' | 'mediaLeft'): number[] =>
  guests.map(({ asker }) => asker.told(event).length);

/** Whether master-1 has logged this for the session. */
function says(room: string, what: string): boolean {
  return running.log('master-1').some(({ msg, session }) => {
    return String(session).startsWith(`${room}_`) && String(msg).includes(what);
  });
}

async function roomsAt(node: string): Promise<number> {
  const { internalUrl } = running.node(node);
  const metrics = await (await fetch(`${internalUrl}/metrics`)).text();
  return Number(/^rejoin_media_rooms\S* (\d+)$/m.exec(metrics)?.[1]);
}

describe('the control path to a media node fails, and its media flows', () => {
  for (const failover of ['takeover', 'rebuild']) {
    test(`for longer than a verdict: the session stays, and continues there (${failover})`, async () => {
      const { media } = await talkingRoom(`short-${failover}`, failover);
      net.stall('master-1', media);
      await until('it is held', () => says(`short-${failover}`, 'but its media flows'));
      net.heal();
      await until('the path is healed', () => says(`short-${failover}`, 'answers again'));
      const [ann, bob] = guests;
      assert.ok(ann && bob);
      await ann.asker.receiveTransport();
      assert.deepEqual(told('mediaMoved'), [0, 0]);
      assert.equal(await running.mediaNodeOf(`short-${failover}`), media);
      assert.ok(bob.asker.client.closed === undefined);
    });

    test(`for good: the media moves beside the old room, which stays until all show the new (${failover})`, async () => {
      const room = `long-${failover}`;
      const { media, first } = await talkingRoom(room, failover);
      const since = performance.now();
      net.stall('master-1', media);
      const took = await movedAfter(since);
      assert.ok(took > 5_000 && took < 12_000, `${took} ms`);
      for (const { asker } of guests) assert.equal(asker.told('mediaMoved')[0]?.isKept, true);
      net.heal();
      const [ann, bob] = guests;
      assert.ok(ann && bob);
      for (const { asker } of guests) await asker.publish();
      ann.show();
      // Longer than the room audits need to find unknown rooms.
      const healed = performance.now();
      await until('the room audits', () => performance.now() - healed > 17_000, 20_000);
      assert.equal(await roomsAt(media), 1);
      assert.deepEqual(told('mediaLeft'), [0, 0]);
      bob.show();
      await until('all got mediaLeft', () => told('mediaLeft').every((times) => times === 1));
      assert.deepEqual(ann.asker.told('mediaLeft'), [{ mediaId: first }]);
      await until('it is closed', async () => (await roomsAt(media)) === 0);
    });
  }

  test('the owner needs the node: the media moves at once', async () => {
    const { media } = await talkingRoom('needed');
    const since = performance.now();
    net.stall('master-1', media);
    const [ann] = guests;
    assert.ok(ann);
    // Refused while the node cannot be commanded; an SDK would repeat.
    let attempts = 0;
    await until('a stream is published', async () => {
      attempts += 1;
      return ann.asker.publish('audio').then(
        () => true,
        () => false,
      );
    });
    const took = performance.now() - since;
    assert.ok(took < 4_500, `${took} ms`);
    assert.ok(attempts > 1);
    assert.deepEqual(told('mediaMoved'), [1, 1]);
  });
});

describe('a media node’s host vanishes', () => {
  for (const [says, atMost] of [
    ['silent', 2_900],
    ['nothing', 3_600],
  ] as const) {
    test(`its clients report ${says}: the media moves within ${atMost} ms`, async () => {
      const { media } = await talkingRoom(`dead-${says}`);
      for (const guest of guests) guest.media = says;
      const since = performance.now();
      net.stall('master-1', media);
      const took = await movedAfter(since);
      assert.ok(took < atMost, `${took} ms`);
    });
  }

  test('a session that begins at that moment waits less than a verdict', async () => {
    const { media } = await talkingRoom('begins');
    const other = media === 'media-1' ? 'media-2' : 'media-1';
    // The next session goes to the other node, because this one has a room already.
    const token = await running.token('begins-too', { owner: 'master-1' });
    net.stall('master-1', other);
    const since = performance.now();
    const asker = await Asker.join(running, 'begins-too', { token });
    const took = performance.now() - since;
    assert.ok(took < 3_000, `${took} ms`);
    assert.equal(await running.mediaNodeOf('begins-too'), media);
    await asker.leave();
  });
});
