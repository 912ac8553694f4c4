import { ProtocolError } from '../../protocol/errors.ts';

/** How long a path may be silent before it is given up: a moment's loss heals by itself. */
const DOUBT_MS = 1_000;
/** How long a new path may take to carry anything, before yet another is looked for; doubles up to the second. */
const AGAIN_MS = 4_000;
const LONGEST_AGAIN_MS = 16_000;
/** So many attempts in vain are worth a word to the application. */
const TELL_AFTER = 3;

type PathState = RTCPeerConnectionState;

export interface MediaPathOptions {
  /** Looks for another path, with an ICE restart. */
  readonly restart: () => Promise<void>;
  /** Several attempts have not helped, and more follow. `cause`: what failed last. */
  readonly broken: (cause: string) => void;
  /** No other path can help; nothing more is tried. `cause`: what is wrong. */
  readonly hopeless: (cause: string) => void;
  /** Whether there is a path although the transport has failed: it is not what is wrong, then. */
  readonly hasPath: () => boolean;
  /** A path that was there has been silent for as long as `silenceMs` says; told once for each time that it is. */
  readonly silent: () => void;
  /** Asked when the silence begins, ms. */
  readonly silenceMs: () => number;
}

/**
 * Sees to it that a transport has a path through the network: when it breaks while all else lives, as when a phone changes
 * from one network to another, the same transport gets another one. Gives up only what no path can help.
 */
export class MediaPath {
  readonly #options: MediaPathOptions;
  #state: PathState = 'new';
  #attempts = 0;
  #restarting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #health: 'unknown' | 'well' | 'broken' = 'unknown';
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MediaPathOptions) {
    this.#options = options;
  }

  /** `broken`: from when it is lost, or not found, until there is one again. */
  get health(): 'unknown' | 'well' | 'broken' {
    return this.#health;
  }

  /** The transport says how it is. */
  become(state: PathState): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    if (state === 'closed') return this.close();
    if (state === 'failed' || state === 'disconnected') this.#lose();
    if (state === 'failed') void this.#restart();
    if (state === 'disconnected') this.#later(DOUBT_MS);
    if (state === 'connected') {
      clearTimeout(this.#timer);
      clearTimeout(this.#silence);
      this.#health = 'well';
      this.#attempts = 0;
    }
  }

  /** Something has happened to the network. `sure`: what seems well is most likely not, and is only not known yet. */
  check(sure: boolean): void {
    const silent = this.#state === 'disconnected' || this.#state === 'failed';
    if (silent || (sure && this.#state === 'connected')) void this.#restart();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#state = 'closed';
  }

  #lose(): void {
    if (this.#health === 'well') this.#silence = setTimeout(this.#options.silent, this.#options.silenceMs());
    this.#health = 'broken';
  }

  #giveUp(cause: string): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#options.hopeless(cause);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#state !== 'connected') void this.#restart();
    }, ms);
  }

  async #restart(): Promise<void> {
    if (this.#restarting) return;
    if (this.#state === 'failed' && this.#options.hasPath()) {
      return this.#giveUp('the encryption of the media has failed');
    }
    clearTimeout(this.#timer);
    this.#restarting = true;
    this.#attempts += 1;
    let cause = 'no path to the media node is found';
    try {
      await this.#options.restart();
    } catch (error) {
      // The media node has no such transport (any more).
      if (error instanceof ProtocolError && error.code === 'TRANSPORT_UNKNOWN') return this.#giveUp(error.message);
      cause = String(error);
    }
    this.#restarting = false;
    if (this.#state === 'closed') return;
    if (this.#state !== 'connected' && this.#attempts === TELL_AFTER) this.#options.broken(cause);
    this.#later(Math.min(LONGEST_AGAIN_MS, AGAIN_MS * 2 ** Math.max(0, this.#attempts - 1)));
  }
}
