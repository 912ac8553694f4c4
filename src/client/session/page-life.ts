/** Events of the page that matter to a connection. */
export type PageEvent =
  /** The page is visible again, or its network may have changed: a seemingly healthy connection may be broken. */
  | 'check'
  /** The browser reports no network. It may be wrong. */
  | 'offline'
  /** The network is back, most likely another one. */
  | 'online'
  /** The page runs no code until `resumed`, if ever. */
  | 'suspended'
  /** The page runs again, after any length of time. */
  | 'resumed'
  /** The page closes for good. */
  | 'gone';

/** The browser objects that report these events. Node has none. */
export interface PageSurroundings extends Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> {
  readonly document?: EventTarget & { readonly visibilityState: DocumentVisibilityState };
  readonly navigator?: { readonly onLine?: boolean; readonly connection?: EventTarget };
}

type Handlers = Readonly<Record<string, (event: Event) => PageEvent | undefined>>;

const WINDOW: Handlers = {
  offline: () => 'offline',
  online: () => 'online',
  // A persisted page is in the back/forward cache, with its state, and may be shown again.
  pagehide: (event) => ((event as PageTransitionEvent).persisted ? 'suspended' : 'gone'),
  pageshow: (event) => ((event as PageTransitionEvent).persisted ? 'resumed' : undefined),
};
const DOCUMENT: Handlers = {
  freeze: () => 'suspended',
  resume: () => 'resumed',
  visibilitychange: ({ target }) =>
    (target as Partial<Document> | null)?.visibilityState === 'visible' ? 'check' : undefined,
};
/** Fires at any change, even of a bandwidth estimate, so it proves nothing. */
const NETWORK: Handlers = { change: () => 'check' };

/** Maps the browser's page events to `PageEvent`s. */
export class PageLife {
  readonly #tell: (event: PageEvent) => void;
  readonly #around: PageSurroundings;

  constructor(tell: (event: PageEvent) => void, around: PageSurroundings = globalThis as PageSurroundings) {
    this.#tell = tell;
    this.#around = around;
  }

  /** Whether the browser reports no network. */
  get isOffline(): boolean {
    return this.#around.navigator?.onLine === false;
  }

  /** Starts listening. Repeated calls have no further effect. */
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
