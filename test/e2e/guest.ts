import { expect, type Locator, type Page } from 'playwright/test';

export interface GuestOptions {
  readonly room: string;
  readonly name: string;
  /** `provider` survives an owner's crash automatically, `plain` asks the user. Default `provider`. */
  readonly token?: 'provider' | 'plain';
}

/** State that the page keeps for the tests: its sockets, and the frames of its videos. */
interface Watched {
  sockets: WebSocket[];
  /** Sockets whose messages no longer reach the page. */
  deaf: Set<WebSocket>;
  frames: Map<HTMLVideoElement, { count: number; last: number; longestGap: number }>;
}

/** A participant in the demo room: a tab, with its state and actions. */
export class Guest {
  readonly page: Page;
  readonly name: string;
  /** Errors of the page. */
  readonly errors: string[] = [];

  static async open(page: Page, url: string, { room, name, token = 'provider' }: GuestOptions): Promise<Guest> {
    const guest = new Guest(page, name);
    await page.addInitScript(() => {
      const watched: Watched = { sockets: [], deaf: new Set(), frames: new Map() };
      Object.assign(globalThis, { watched });
      const Native = WebSocket;
      globalThis.WebSocket = class extends Native {
        constructor(to: string | URL, protocols?: string | string[]) {
          super(to, protocols);
          watched.sockets.push(this);
          // Listeners of a socket run in the order of their registration, and this one is the first.
          this.addEventListener('message', (event) => {
            if (watched.deaf.has(this)) event.stopImmediatePropagation();
          });
        }
      };
    });
    const query = new URLSearchParams({ room, name, join: '1', ...(token === 'plain' ? { token } : {}) });
    await page.goto(`${url}/?${query}`);
    await expect(guest.state).toHaveAttribute('data-state', 'joined');
    return guest;
  }

  private constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
    page.on('pageerror', (error) => this.errors.push(String(error.stack ?? error)));
  }

  get state(): Locator {
    return this.page.getByTestId('state');
  }

  /** Videos of the others. */
  get videos(): Locator {
    return this.page.locator('[data-testid="tile"] video');
  }

  event(name: string): Locator {
    return this.page.locator(`[data-testid="timeline-entry"][data-event="${name}"]`);
  }

  /** Waits until this number of others is visible, each with frames that advance from now on. */
  async sees(others: number, frames = 10): Promise<void> {
    await expect(this.videos).toHaveCount(others);
    await this.#watch();
    const before = await this.#counts();
    await this.page.waitForFunction(
      ([atLeast, earlier]) => {
        const { frames: seen } = (globalThis as unknown as { watched: Watched }).watched;
        const videos = [...document.querySelectorAll<HTMLVideoElement>('[data-testid="tile"] video')];
        return videos.every((video, at) => (seen.get(video)?.count ?? 0) >= (earlier[at] ?? 0) + atLeast);
      },
      [frames, before] as const,
      { timeout: 20_000 },
    );
  }

  /** The longest standstill of a video since the last `sees()`, ms. */
  longestGap(): Promise<number> {
    return this.page.evaluate(() => {
      const { frames } = (globalThis as unknown as { watched: Watched }).watched;
      const now = performance.now();
      const gaps = [...frames].filter(([video]) => video.isConnected);
      return Math.max(...gaps.map(([, { last, longestGap }]) => Math.max(longestGap, now - last)));
    });
  }

  /** Closes the page's open sockets without the SDK. Returns their number. */
  dropSockets(): Promise<number> {
    return this.page.evaluate(() => {
      const { sockets } = (globalThis as unknown as { watched: Watched }).watched;
      const open = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
      for (const socket of open) socket.close(3_999);
      return open.length;
    });
  }

  async say(text: string): Promise<void> {
    await this.page.getByTestId('chat-input').fill(text);
    await this.page.getByTestId('chat-input').press('Enter');
  }

  async reads(text: string): Promise<void> {
    await expect(this.page.getByTestId('chat-message').filter({ hasText: text })).toHaveCount(1);
  }

  /** Marks the video elements, so that `sameVideos` can detect a replacement. */
  async markVideos(): Promise<void> {
    await this.videos.evaluateAll((videos) => {
      for (const video of videos) (video as HTMLElement).dataset['marked'] = 'yes';
    });
  }

  async sameVideos(): Promise<boolean> {
    return this.videos.evaluateAll((videos) =>
      videos.every((video) => (video as HTMLElement).dataset['marked'] === 'yes'),
    );
  }

  #counts(): Promise<number[]> {
    return this.page.evaluate(() => {
      const { frames } = (globalThis as unknown as { watched: Watched }).watched;
      const videos = [...document.querySelectorAll<HTMLVideoElement>('[data-testid="tile"] video')];
      return videos.map((video) => frames.get(video)?.count ?? 0);
    });
  }

  async #watch(): Promise<void> {
    await this.page.evaluate(() => {
      const { frames } = (globalThis as unknown as { watched: Watched }).watched;
      for (const video of document.querySelectorAll<HTMLVideoElement>('[data-testid="tile"] video')) {
        const known = frames.get(video);
        if (known) {
          known.longestGap = 0;
          known.last = performance.now();
          continue;
        }
        const seen = { count: 0, last: performance.now(), longestGap: 0 };
        frames.set(video, seen);
        const look = (): void => {
          const now = performance.now();
          if (seen.count > 0) seen.longestGap = Math.max(seen.longestGap, now - seen.last);
          seen.count += 1;
          seen.last = now;
          video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
      }
    });
  }
}
