import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProtocolError } from '../../src/protocol/errors.ts';
import type { ConnectionId } from '../../src/protocol/ids.ts';
import type { MigrationWishes } from '../../src/server/master/owner/hosting.ts';
import type { MediaRoom, Placed } from '../../src/server/master/owner/media-room.ts';
import { Relocation } from '../../src/server/master/owner/relocation.ts';
import { RoomsLeft } from '../../src/server/master/owner/rooms-left.ts';
import { type InstanceId, newIdentity } from '../../src/server/shared/identity.ts';
import { createLogger } from '../../src/server/shared/logging.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { FakeClock } from '../fixtures/fake-clock.ts';

const [ANN, BOB] = ['con_ann', 'con_bob'] as ConnectionId[] as [ConnectionId, ConnectionId];

function roomOf(media: string): Placed {
  const room = { node: `node of ${media}` as InstanceId, command: async () => ({}), attempt: () => {} };
  return { room, media: { id: media } } as object as Placed;
}

/** A session of Ann and Bob with its media at `first`; records its events in order. */
class Fixture {
  readonly clock = new FakeClock();
  readonly story: string[] = [];
  readonly left = new RoomsLeft({ clock: this.clock, over: (mediaId) => this.story.push(`left ${mediaId}`) });
  readonly relocation: Relocation;
  placed: Placed | undefined = roomOf('first');
  here = [ANN, BOB];
  away: ConnectionId[] = [];
  isOpen = true;
  wishes: MigrationWishes | undefined;
  #found: ((media: string | undefined) => void) | undefined;

  constructor(failover: FailoverPolicy = 'takeover') {
    const search = (): Promise<Placed> =>
      new Promise((resolve, reject) => {
        this.#found = (media) => {
          if (media) this.placed = roomOf(media);
          if (media && this.placed) resolve(this.placed);
          else reject(new ProtocolError('UNAVAILABLE'));
        };
      });
    const is = this;
    this.relocation = new Relocation({
      hosting: {
        get room() {
          return is.placed?.room;
        },
        get placed() {
          return is.placed;
        },
        isDraining: false,
        move: () => {
          this.placed = undefined;
          return search();
        },
        migrate: (wishes) => {
          this.wishes = wishes;
          return search();
        },
      },
      left: this.left,
      failover,
      log: createLogger(newIdentity('master', 'master-1', ''), 'silent'),
      clock: this.clock,
      ownerlessGraceMs: 10_000,
      isOpen: () => this.isOpen,
      guests: () =>
        [...this.here, ...this.away].map((client) => ({
          client,
          transports: [],
          isHere: this.here.includes(client),
        })),
      ask: (members, { mediaId }) => this.story.push(`ask ${members.map((id) => id.slice(4))} of ${mediaId}`),
      loseMedia: () => this.story.push('lose'),
      moved: ({ media, isKept }) => this.story.push(`moved to ${media.id}${isKept ? ', kept' : ''}`),
      crash: async () => {
        this.isOpen = false;
        this.story.push('crash');
      },
    });
  }

  /** The events since the last call. */
  told(): string[] {
    return this.story.splice(0);
  }

  /** The search for another node ends. */
  async finds(media?: string): Promise<void> {
    assert.ok(this.#found, 'another node is searched');
    const found = this.#found;
    this.#found = undefined;
    found(media);
    await new Promise((resolve) => setImmediate(resolve));
  }

  get isSearching(): boolean {
    return this.#found !== undefined;
  }

  say(client: ConnectionId, state: 'flows' | 'silent' | 'unknown' | 'shown', media = 'first'): void {
    this.relocation.reported(client, media, state);
  }

  get room(): MediaRoom {
    assert.ok(this.placed);
    return this.placed.room;
  }
}

const ASKED = 'ask ann,bob of first';

describe('Relocation: a node that cannot be commanded', () => {
  it('is silent only for a moment: nothing follows', () => {
    const is = new Fixture();
    is.relocation.doubted();
    is.relocation.doubted();
    assert.deepEqual(is.told(), [ASKED]);
    is.relocation.heard();
    for (const client of [ANN, BOB]) is.say(client, 'silent');
    is.clock.advance(60_000);
    assert.deepEqual(is.told(), []);
    assert.ok(!is.isSearching);
  });

  it('carries flowing media: the media stays, and no client notices the return of the node', () => {
    const is = new Fixture();
    is.relocation.doubted();
    is.say(ANN, 'flows');
    is.clock.advance(1_500);
    is.relocation.silent();
    assert.deepEqual(is.told(), [ASKED]);
    is.clock.advance(4_000);
    assert.equal(is.told().length, 4, 'the clients are asked repeatedly');
    is.relocation.heard();
    is.clock.advance(60_000);
    assert.deepEqual(is.told(), []);
    assert.ok(!is.isSearching);
  });

  for (const failover of ['takeover', 'rebuild'] as const) {
    it(`carries flowing media beyond the time limit: the media moves beside the old room (${failover})`, async () => {
      const is = new Fixture(failover);
      is.away = ['con_cat' as ConnectionId];
      is.relocation.doubted();
      is.say(ANN, 'flows');
      is.relocation.silent();
      is.clock.advance(5_000);
      assert.equal(is.wishes?.never, 'node of first');
      is.told();
      await is.finds('second');
      assert.deepEqual(is.told(), ['lose', 'moved to second, kept']);
      is.relocation.heard();
      is.say(ANN, 'shown', 'second');
      is.say(BOB, 'silent', 'first');
      is.clock.advance(20_000);
      assert.deepEqual(is.told(), []);
      is.relocation.forget('con_cat' as ConnectionId);
      assert.deepEqual(is.told(), ['left first']);
    });
  }

  it('is needed, or does not serve all clients: the media moves at once, beside the old room', async () => {
    for (const need of ['command', 'client'] as const) {
      const is = new Fixture();
      is.relocation.commandFailed();
      is.relocation.doubted();
      is.say(ANN, 'flows');
      is.relocation.commandFailed();
      assert.ok(!is.isSearching, 'before the verdict nothing is certain');
      is.relocation.silent();
      assert.ok(!is.isSearching);
      if (need === 'command') is.relocation.commandFailed();
      else is.say(BOB, 'silent');
      await is.finds('second');
      assert.deepEqual(is.told(), [ASKED, 'lose', 'moved to second, kept']);
    }
  });

  it('is heard again before another node is found: the media stays', async () => {
    const is = new Fixture();
    is.relocation.silent();
    is.say(ANN, 'flows');
    is.relocation.commandFailed();
    assert.ok(is.wishes?.isWanted());
    is.relocation.heard();
    assert.ok(!is.wishes?.isWanted());
    await is.finds();
    is.clock.advance(60_000);
    assert.deepEqual(is.told(), [ASKED]);
    assert.ok(!is.isSearching);
  });

  it('has no alternative: the media stays while it flows, and the owner tries again', async () => {
    const is = new Fixture();
    is.relocation.silent();
    is.say(ANN, 'flows');
    is.clock.advance(5_000);
    await is.finds();
    is.clock.advance(5_000);
    assert.ok(is.isSearching);
    await is.finds('second');
    assert.equal(is.told().at(-1), 'moved to second, kept');
  });
});

describe('Relocation: a node that is as good as dead', () => {
  it('all clients report silence, and a probe is unanswered: the move does not wait for the verdict', async () => {
    const is = new Fixture();
    is.relocation.doubted();
    is.say(ANN, 'silent');
    assert.ok(!is.isSearching);
    is.say(BOB, 'unknown');
    await is.finds('second');
    assert.deepEqual(is.told(), [ASKED, 'lose', 'moved to second, kept']);
  });

  it('policy rebuild: all clients report silence, and the end waits for the verdict', () => {
    const is = new Fixture('rebuild');
    is.relocation.doubted();
    for (const client of [ANN, BOB]) is.say(client, 'silent');
    assert.deepEqual(is.told(), [ASKED]);
    is.relocation.silent();
    assert.deepEqual(is.told(), ['crash']);
  });

  it('no client can tell, or is present: the verdict suffices', () => {
    for (const here of [[], [ANN, BOB]]) {
      const is = new Fixture();
      is.here = here;
      is.relocation.doubted();
      for (const client of here) is.say(client, 'unknown');
      assert.ok(!is.isSearching);
      is.relocation.silent();
      assert.ok(is.isSearching);
    }
  });

  it('no client answers: the verdict suffices after their time limit, and otherwise waits for it', () => {
    const asked = new Fixture();
    asked.relocation.doubted();
    asked.clock.advance(1_500);
    assert.ok(!asked.isSearching);
    asked.relocation.silent();
    assert.ok(asked.isSearching);
    const surprised = new Fixture();
    surprised.relocation.silent();
    surprised.clock.advance(999);
    assert.ok(!surprised.isSearching);
    surprised.clock.advance(1);
    assert.ok(surprised.isSearching);
  });

  it('the only client that could answer leaves', () => {
    const is = new Fixture();
    is.relocation.doubted();
    is.say(ANN, 'silent');
    is.relocation.forget(BOB);
    assert.ok(is.isSearching);
  });

  it('the media has flowed for a while, and stops: it is lost', async () => {
    const is = new Fixture();
    is.relocation.silent();
    is.say(ANN, 'flows');
    is.say(BOB, 'unknown');
    is.clock.advance(1_000);
    for (const client of [ANN, BOB]) is.say(client, 'silent');
    assert.ok(is.isSearching);
    await is.finds();
    assert.equal(is.told().at(-1), 'crash');
  });
});

describe('Relocation: a node that is dead, or drains', () => {
  it('dead: clients are not asked, and the old room is not kept', async () => {
    const is = new Fixture();
    void is.relocation.lost(is.room);
    assert.deepEqual(is.told(), ['lose']);
    await is.finds('second');
    assert.deepEqual(is.told(), ['moved to second']);
    const rebuilt = new Fixture('rebuild');
    void rebuilt.relocation.lost(rebuilt.room);
    assert.deepEqual(rebuilt.told(), ['crash']);
  });

  it('dead while it is doubted, held or being left: the same', async () => {
    for (const state of ['doubted', 'held', 'left'] as const) {
      const is = new Fixture();
      is.relocation.doubted();
      is.say(ANN, 'flows');
      if (state !== 'doubted') is.relocation.silent();
      if (state === 'left') is.relocation.commandFailed();
      is.told();
      const { room } = is;
      void is.relocation.lost(room);
      void is.relocation.lost(room);
      await is.finds('second');
      assert.deepEqual(is.told(), ['lose', 'moved to second']);
      is.clock.advance(60_000);
      assert.deepEqual(is.told(), []);
    }
  });

  it('drains: the old room is kept until every client shows the new media, and no longer', async () => {
    const is = new Fixture('rebuild');
    is.relocation.drains();
    is.relocation.drains();
    assert.equal(is.wishes?.never, undefined);
    is.relocation.heard();
    await is.finds('second');
    assert.deepEqual(is.told(), ['lose', 'moved to second, kept']);
    is.say(ANN, 'shown', 'second');
    assert.deepEqual(is.told(), []);
    is.say(BOB, 'shown', 'second');
    assert.deepEqual(is.told(), ['left first']);
  });

  it('drains without an alternative: the media stays until the end', async () => {
    const is = new Fixture();
    is.relocation.drains();
    await is.finds();
    assert.deepEqual(is.told(), []);
    void is.relocation.lost(is.room);
    await is.finds('second');
    assert.deepEqual(is.told(), ['lose', 'moved to second']);
  });
});
