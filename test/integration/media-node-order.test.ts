import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { LiveNode } from '../../src/server/master/cluster/live-node.ts';
import { MediaRoom } from '../../src/server/master/owner/media-room.ts';
import { InternalClient } from '../../src/server/shared/internal-client.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';
import { contents, furnish, Harness, production, refused, view } from '../fixtures/media-node/harness.ts';
import { SECRET, TIMING } from '../fixtures/media-node/settings.ts';
import { until } from '../fixtures/media-node/until.ts';

const harness = new Harness();
afterEach(() => harness.end());

/** An owner's room at a media node that has been told to stand still; `thaw` lets it go on with all that it was sent meanwhile. */
async function frozenRoom() {
  const { url, pid } = await harness.mediaNodeProcess();
  // It takes a node that stands still for alive.
  const owner = await harness.silentMaster(url).listen(60_000);
  const fence = owner.fence('r_1');
  const rtpCapabilities = await furnish(owner, fence);
  const client = new InternalClient(Secrets.of(SECRET), owner.instance);
  harness.onEnd(() => client.close());
  const room = new MediaRoom({ url } as LiveNode, fence, client, { ...TIMING, mediaCommandMs: -500 });
  process.kill(pid, 'SIGSTOP');
  return {
    room,
    rtpCapabilities,
    thaw: () => process.kill(pid, 'SIGCONT'),
    contents: () => contents(owner, fence),
  };
}

describe('a media node stands still for longer than its owner waits', () => {
  it('unsubscribed and subscribed again meanwhile: the consumer stays, however late the word to close it arrives', async () => {
    const { room, rtpCapabilities, thaw, contents } = await frozenRoom();
    await room.closings.close('closeConsumer', 'view');
    assert.equal(room.closings.size, 1, 'the node has not answered');
    const again = room.command('consume', view(rtpCapabilities), 20_000);
    thaw();
    await again;
    await room.closings.sweep();
    assert.equal(room.closings.size, 0);
    assert.equal(await contents(), 'down,up | audio,video | view');
  });

  it('subscribed and unsubscribed meanwhile: no consumer is left', async () => {
    const { room, rtpCapabilities, thaw, contents } = await frozenRoom();
    const late = { ...view(rtpCapabilities), key: 'late' };
    await assert.rejects(room.command('consume', late), refused('UNAVAILABLE'));
    await room.closings.close('closeConsumer', 'late');
    thaw();
    await until('it is closed', async () => {
      await room.closings.sweep();
      return room.closings.size === 0;
    });
    assert.equal(await contents(), 'down,up | audio,video | view');
  });

  it('a publish is given up: its producer is taken back', async () => {
    const { room, thaw, contents } = await frozenRoom();
    const more = { ...production('audio'), key: 'more' };
    await assert.rejects(room.command('produce', more), refused('UNAVAILABLE'));
    room.closings.unlessAskedAgain('closeProducer', 'more');
    thaw();
    await until('it has been made', async () => (await contents()) === 'down,up | audio,more,video | view');
    await until('it is taken back', async () => {
      await room.closings.sweep();
      return (await contents()) === 'down,up | audio,video | view';
    });
    assert.equal(room.closings.size, 0);
  });

  it('a publish is asked for again: its producer stays', async () => {
    const { room, thaw, contents } = await frozenRoom();
    const more = { ...production('audio'), key: 'more' };
    await assert.rejects(room.command('produce', more), refused('UNAVAILABLE'));
    room.closings.unlessAskedAgain('closeProducer', 'more');
    thaw();
    await room.command('produce', more, 20_000);
    await until('nothing is left to be closed', async () => {
      await room.closings.sweep();
      return room.closings.size === 0;
    });
    assert.equal(await contents(), 'down,up | audio,more,video | view');
  });
});
