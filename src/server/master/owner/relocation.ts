import type { ServerEvents } from '../../../protocol/frames.ts';
import type { ConnectionId } from '../../../protocol/ids.ts';
import type { MediaState } from '../../../protocol/model.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logging.ts';
import type { FailoverPolicy } from '../../store/store.ts';
import type { Hosting } from './hosting.ts';
import type { MediaRoom } from './media-room.ts';
import { MediaTestimony } from './media-testimony.ts';
import type { FormerGuest, RoomsLeft } from './rooms-left.ts';

/** How long to wait for the clients' answers if the verdict on the node comes first. */
const ANSWER_MS = 1_000;
/** How often the clients are asked while the node cannot be commanded. */
const ASK_AGAIN_MS = 1_000;
/** How long flowing media stays at a node that cannot be commanded and where no command is pending. */
const PATIENCE_MS = 5_000;

export interface RelocationParts {
  readonly hosting: Pick<Hosting, 'room' | 'placed' | 'isDraining' | 'move' | 'migrate'>;
  readonly left: RoomsLeft;
  readonly failover: FailoverPolicy;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long a media node keeps the room of an owner that it no longer hears, ms. */
  readonly ownerlessGraceMs: number;
  readonly isOpen: () => boolean;
  /** Members with transports, and whether they can be asked now. */
  readonly guests: () => readonly (FormerGuest & { readonly isHere: boolean })[];
  /** Asks these members whether their media flows. */
  readonly ask: (members: readonly ConnectionId[], question: ServerEvents['mediaDoubted']) => void;
  /** Forgets the members' producers and consumers, which are gone. */
  readonly loseMedia: () => void;
  /** Tells the members where the media is now. */
  readonly moved: (news: ServerEvents['mediaMoved']) => void;
  /** Ends the session as crashed. */
  readonly crash: () => Promise<void>;
}

/** Why the media moves. Only `gone` means that it has certainly stopped. */
type Cause = 'drains' | 'held' | 'silent' | 'gone';

/**
 * | state   | by                                                              | becomes                             |
 * |---------|-----------------------------------------------------------------|-------------------------------------|
 * | settled | the node is doubted, or found dead by its silence               | doubted; the clients are asked      |
 * | doubted | the node is heard                                               | settled                             |
 * | doubted | all clients that can tell say `silent`; policy `takeover`       | moving (`silent`)                   |
 * | doubted | the node is found dead by its silence, and media flows          | held; for some only: moving (`held`)|
 * | doubted | the node is found dead by its silence, and no client says so    | moving (`silent`)                   |
 * | held    | the node is heard                                               | settled                             |
 * | held    | all clients that can tell say `silent`                          | moving (`silent`)                   |
 * | held    | a command has failed, patience is over, or media flows for some | moving (`held`)                     |
 * | moving  | another place is found                                          | settled; the old room is being left |
 * | moving  | none is found, and the node is heard or only drains             | settled                             |
 * | moving  | none is found, by cause `held`                                  | held                                |
 * | moving  | none is found, by cause `silent` or `gone`                      | the session crashes                 |
 * | any     | the node drains                                                 | moving (`drains`)                   |
 * | any     | the node or the room is gone                                    | moving (`gone`); `rebuild`: crash   |
 */
type State =
  | { readonly kind: 'settled' }
  | { readonly kind: 'doubted'; readonly testimony: MediaTestimony; isDead: boolean }
  | { readonly kind: 'held'; testimony: MediaTestimony }
  | { readonly kind: 'moving'; readonly cause: Cause; isNeedless: boolean };

type Moving = Extract<State, { kind: 'moving' }>;

/**
 * Moves a session's media when its node is gone, is about to end, or cannot be commanded. A failed command only shows that the
 * control path is broken. So the clients are asked before media counts as lost. Flowing media is never stopped: the new room opens
 * beside the old one.
 */
export class Relocation {
  readonly #parts: RelocationParts;
  #state: State = { kind: 'settled' };
  #timers: (() => void)[] = [];

  constructor(parts: RelocationParts) {
    this.#parts = parts;
  }

  /** The media node is silent and is being probed. */
  doubted(): void {
    if (this.#state.kind === 'settled' && this.#parts.hosting.room) this.#doubt(false);
  }

  /** The media node is heard again. */
  heard(): void {
    const state = this.#state;
    if (state.kind === 'moving') state.isNeedless = state.cause !== 'gone' && state.cause !== 'drains';
    if (state.kind !== 'doubted' && state.kind !== 'held') return;
    if (state.kind === 'held') this.#parts.log.info('The media node answers again: the media stays there.');
    this.#become({ kind: 'settled' });
  }

  /** The media node has been silent until the verdict. It may still be alive. */
  silent(): void {
    const state = this.#state;
    if (state.kind === 'settled') this.#doubt(true);
    else if (state.kind === 'doubted') {
      state.isDead = true;
      this.#decide();
    }
  }

  /** The media node, or the worker with the room, is certainly gone. */
  async lost(room: MediaRoom): Promise<void> {
    const { hosting, failover, log, isOpen, loseMedia, moved, crash } = this.#parts;
    if (!isOpen() || hosting.room !== room) return;
    const state = this.#move('gone');
    if (failover === 'rebuild') return crash();
    log.warn({ mediaNode: room.node }, 'The media is lost; hosting it anew.');
    loseMedia();
    try {
      const { media } = await hosting.move();
      if (this.#state !== state) return;
      this.#become({ kind: 'settled' });
      moved({ media });
    } catch (error) {
      log.error({ err: error }, 'Failed to host the media anew on any media node.');
      await crash();
    }
  }

  /** The media node is about to end: the media is hosted elsewhere while the old room continues. */
  drains(): void {
    if (this.#state.kind !== 'moving') void this.#leave('drains');
  }

  /** Checks a node right after placement: a drain announced before that moved only the rooms of that moment. */
  leaveIfDraining(): void {
    if (this.#parts.hosting.isDraining) this.drains();
  }

  /** A command could not be carried out at the media node. */
  commandFailed(): void {
    if (this.#state.kind === 'held') void this.#leave('held');
  }

  /** A client reports the state of its media. */
  reported(client: ConnectionId, mediaId: string, media: MediaState): void {
    const { hosting, left } = this.#parts;
    const isNow = hosting.placed?.media.id === mediaId;
    if (media === 'shown') left.shown(client, mediaId, isNow);
    else if (!isNow) {
      if (media === 'silent') left.silent(client, mediaId);
    } else if (this.#state.kind === 'doubted' || this.#state.kind === 'held') {
      this.#state.testimony.answer(client, media);
      this.#decide();
    }
  }

  /** A member has left. */
  forget(client: ConnectionId): void {
    this.#parts.left.gone(client);
    if (this.#state.kind !== 'doubted' && this.#state.kind !== 'held') return;
    this.#state.testimony.forget(client);
    this.#decide();
  }

  /** Ends when the session is over here. `goesOn`: another owner has it, so rooms that clients still show stay open. */
  end(goesOn: boolean): void {
    this.#become({ kind: 'settled' });
    this.#parts.left.end(goesOn);
  }

  #become(state: State): void {
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#state = state;
  }

  #move(cause: Cause): Moving {
    const state: Moving = { kind: 'moving', cause, isNeedless: false };
    this.#become(state);
    return state;
  }

  #doubt(isDead: boolean): void {
    this.#become({ kind: 'doubted', testimony: this.#ask(), isDead });
    this.#after(ANSWER_MS, () => this.#decide());
    this.#decide();
  }

  #hold(testimony: MediaTestimony): void {
    const { ownerlessGraceMs, log, hosting } = this.#parts;
    log.warn(
      { mediaNode: hosting.room?.node },
      'The media node does not answer, but its media flows: the media stays there for now.',
    );
    const held = { kind: 'held' as const, testimony };
    this.#become(held);
    // Leave early enough: the room must exist until the move is complete.
    this.#after(Math.min(PATIENCE_MS, ownerlessGraceMs / 2), () => void this.#leave('held'));
    const askAgain = (): void => {
      this.#after(ASK_AGAIN_MS, () => {
        held.testimony = this.#ask();
        askAgain();
      });
    };
    askAgain();
    this.#decide();
  }

  #after(ms: number, work: () => void): void {
    this.#timers.push(this.#parts.clock.after(ms, work));
  }

  #ask(): MediaTestimony {
    const { clock, guests, ask, hosting } = this.#parts;
    const here = guests().flatMap(({ client, isHere }) => (isHere ? client : []));
    const testimony = new MediaTestimony(here, clock.now());
    if (hosting.placed) ask(here, { mediaId: hosting.placed.media.id });
    return testimony;
  }

  /** Acts on the clients' answers so far. */
  #decide(): void {
    const state = this.#state;
    if (state.kind !== 'doubted' && state.kind !== 'held') return;
    const { testimony } = state;
    const { word } = testimony;
    // A move to `silent` ends a session with policy `rebuild`, so that waits for the verdict.
    const mayBeTakenForLost = state.kind === 'held' || state.isDead || this.#parts.failover === 'takeover';
    if (word === 'silent' && mayBeTakenForLost) void this.#leave('silent');
    else if (state.kind === 'held') {
      if (word === 'mixed') void this.#leave('held');
    } else if (state.isDead) {
      if (word === 'flows' || word === 'mixed') this.#hold(testimony);
      else if (word !== 'open' || this.#parts.clock.now() - testimony.askedAt >= ANSWER_MS) void this.#leave('silent');
    }
  }

  /** Hosts the media elsewhere, beside the old room, where it may still flow. */
  async #leave(cause: Exclude<Cause, 'gone'>): Promise<void> {
    const { hosting, failover, left, log, isOpen, guests, loseMedia, moved, crash } = this.#parts;
    const before = hosting.placed;
    if (!isOpen() || !before) return;
    const { room } = before;
    const state = this.#move(cause);
    if (cause === 'silent' && failover === 'rebuild') return crash();
    log.info({ mediaNode: room.node, cause }, 'Moving the media away from a media node.');
    try {
      const isWanted = (): boolean => this.#state === state && !state.isNeedless;
      const { media } = await hosting.migrate({ isWanted, never: cause === 'drains' ? undefined : room.node });
      if (this.#state !== state) return;
      this.#become({ kind: 'settled' });
      const former = guests();
      loseMedia();
      moved({ media, isKept: true });
      left.add(before, former);
    } catch (error) {
      if (this.#state !== state) return;
      this.#become({ kind: 'settled' });
      if (state.isNeedless) return;
      log.error({ err: error, cause }, 'Failed to move the media away from its media node.');
      if (cause === 'silent') return crash();
      if (cause === 'held') this.#hold(this.#ask());
      // On a draining node the media stays until the node ends, and is then lost as in a crash.
    }
  }
}
