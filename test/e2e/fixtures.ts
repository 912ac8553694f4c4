import { type Browser, test as base, expect } from 'playwright/test';
import { demoFiles } from '../../src/server/dev/demo-page.ts';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { Guest, type GuestOptions } from './guest.ts';

interface TestFixtures {
  /** This test's own room. */
  room: string;
  /** Opens a tab in its own browser context and joins the room there. */
  join: (name: string, options?: Omit<GuestOptions, 'room' | 'name'>) => Promise<Guest>;
  /** Ann and Bob join in turn, and see each other. */
  meet: () => Promise<[ann: Guest, bob: Guest]>;
}
interface WorkerFixtures {
  /** Effect of an owner's crash in this file's cluster. */
  failover: FailoverPolicy;
  running: RunningCluster;
}

let rooms = 0;

/** Opens the page in a new context, like another user's browser. */
export async function openGuest(browser: Browser, running: RunningCluster, options: GuestOptions): Promise<Guest> {
  const context = await browser.newContext();
  return Guest.open(await context.newPage(), running.url, options);
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  failover: ['rebuild', { scope: 'worker', option: true }],

  running: [
    async ({ failover }, use) => {
      const running = await RunningCluster.start({
        failover,
        directories: demoFiles('dist'),
      });
      await use(running);
      await running.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
  room: async ({}, use) => {
    rooms += 1;
    await use(`e2e-${process.pid}-${rooms}`);
  },

  join: async ({ browser, running, room }, use) => {
    const guests: Guest[] = [];
    await use(async (name, options = {}) => {
      const guest = await openGuest(browser, running, { room, name, ...options });
      guests.push(guest);
      return guest;
    });
    const errors = guests.flatMap((guest) => guest.errors.map((error) => `${guest.name}: ${error}`));
    await Promise.all(guests.map((guest) => guest.page.context().close()));
    expect(errors, 'errors of the pages').toEqual([]);
  },

  meet: async ({ join }, use) => {
    await use(async () => {
      const ann = await join('Ann');
      const bob = await join('Bob');
      await Promise.all([ann.sees(1), bob.sees(1)]);
      return [ann, bob];
    });
  },
});

export { expect } from 'playwright/test';
