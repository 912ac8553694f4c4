/** What becomes of the page, and what that means to a connection. */
export type PageEvent =
  /** The page is looked at again, or its network may be another: what seems well may not be. */
  | 'check'
  /** The browser says that there is no network. It may be wrong. */
  | 'offline'
  /** There is a network again, most likely another one. */
  | 'online'
  /** Nothing will run in this page until `resumed`, if ever. */
  | 'suspended'
  /** It runs again: any time may have passed. */
  | 'resumed'
  /** The page is going away for good. */
  | 'gone';

/** The parts of a browser that tell of it. In Node there are none. */
export interface PageSurroundings extends Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> {
  readonly document?: EventTarget & { readonly visibilityState: DocumentVisibilityState };
  readonly navigator?: { readonly onLine?: boolean; readonly connection?: EventTarget };
}

type Handlers = Readonly<Record<string, (event: Event) => PageEvent | undefined>>;

const WINDOW: Handlers = {
  offline: () => 'offline',
  online: () => 'online',
  // A page that may be shown again later is kept, with all that is in it, in the back/forward cache.
  pagehide: (event) => ((event as PageTransitionEvent).persisted ? 'suspended' : 'gone'),
  pageshow: (event) => ((event as PageTransitionEvent).persisted ? 'resumed' : undefined),
};
const DOCUMENT: Handlers = {
  freeze: () => 'suspended',
  resume: () => 'resumed',
  visibilitychange: ({ target }) =>
    (target as Partial<Document> | null)?.visibilityState === 'visible' ? 'check' : undefined,
};
/** Said of any change, even of an estimate of the bandwidth: no proof of anything. */
const NETWORK: Handlers = { change: () => 'check' };

/** Turns the browser's many words about a page's life into a few. */
export class PageLife {
  readonly #tell: (event: PageEvent) => void;
  readonly #around: PageSurroundings;

  constructor(tell: (event: PageEvent) => void, around: PageSurroundings = globalThis as PageSurroundings) {
    this.#tell = tell;
    this.#around = around;
  }

  /** Whether the browser says that there is no network. */
  get isOffline(): boolean {
    return this.#around.navigator?.onLine === false;
  }

  /** Begins to tell. More than once: as once. */
  start(): void {
    this.#each((target, name) => target.addEventListener?.(name, this.#take));
  }

  stop(): void {
    this.#each((target, name) => target.removeEventListener?.(name, this.#take));
  }

  readonly #take = (event: Event): void => {
    const handle = WINDOW[event.type] ?? DOCUMENT[event.type] ?? NETWORK[event.type];
    const told = handle?.(event);
    if (told) this.#tell(told);
  };

  #each(work: (target: Partial<EventTarget>, name: string) => void): void {
    const { document, navigator } = this.#around;
    for (const name of Object.keys(WINDOW)) work(this.#around, name);
    for (const name of Object.keys(DOCUMENT)) if (document) work(document, name);
    for (const name of Object.keys(NETWORK)) if (navigator?.connection) work(navigator.connection, name);
  }
}
