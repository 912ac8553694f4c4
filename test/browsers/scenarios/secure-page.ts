import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CallCluster } from '../../fixtures/browsers/call-cluster.ts';
import { ownAddress } from '../../fixtures/browsers/own-address.ts';
import type { Participant } from '../../fixtures/browsers/participant.ts';
import type { Stage } from '../../fixtures/browsers/stage.ts';
import { SdkClient } from '../../fixtures/cluster/sdk-client.ts';
import { until } from '../../fixtures/until.ts';

/** The end of a `connect()`, or of a session. */
interface Ending {
  readonly name: string;
  readonly message: string;
  readonly action: string;
  /** Duration until the end. */
  readonly ms: number;
  readonly reason?: string;
}

/** Far less than the time-out of `connect()`. */
const AT_ONCE_MS = 3_000;

/** A page from https:// with tokens for ws://, as of a cluster with a wrong `--public-url`. */
export function securePageScenarios(stage: Stage): void {
  /**
   * Plays the scene in a page that a demo serves to phones. `plain`: a URL to which browsers open no socket from
   * there.
   */
  const play = async (
    scene: (parts: { ann: Participant; cluster: CallCluster; plain: string; secure: string }) => Promise<void>,
  ): Promise<void> => {
    const address = ownAddress();
    const lan = { addresses: [address], port: 0 };
    // Other hosts in the network can reach it.
    const secret = randomBytes(32).toString('base64url');
    const cluster = await CallCluster.start({ lan, secret, timing: { resumeGraceMs: 1_000 } });
    try {
      const [page = ''] = cluster.running.cluster.lan?.pages ?? [];
      const ann = await stage.browser.participant(page, 'Ann');
      const secure = page.replace('https', 'wss');
      await scene({ ann, cluster, plain: `ws://${address}:${new URL(cluster.url).port}`, secure });
      await ann.page.evaluate(() => participant.leave());
    } finally {
      await cluster.stop();
    }
  };

  const checkNamed = ({ name, message, action, ms }: Ending, plain: string): void => {
    assert.equal(name, 'CONNECT_FAILED');
    assert.ok(message.includes(`${plain}/rejoin`), message);
    for (const text of [message, action]) assert.match(text, /--public-url https:\/\//);
    assert.ok(ms < AT_ONCE_MS, `it took ${ms} ms`);
  };

  test('a page from https:// and a token for ws://: connect() rejects at once and says what to do', () =>
    play(async ({ ann, cluster, plain, secure }) => {
      const token = await cluster.running.token('plain');
      const query = token.slice(token.indexOf('?'));
      const joining = (given: string, urls?: readonly string[]): Promise<Ending | 'joined'> =>
        ann.page.evaluate(
          async (one, list) => {
            const began = performance.now();
            const session = participant.rejoin.initSession(list ? { urls: list } : {});
            try {
              await session.connect(one);
              session.disconnect();
              return 'joined';
            } catch (error) {
              const { name, message, action } = error as Error & { action: string };
              return { name, message, action, ms: performance.now() - began };
            }
          },
          given,
          urls,
        );
      for (const urls of [undefined, [plain, `${plain}/`]]) {
        const ending = await joining(plain + query, urls);
        assert.notEqual(ending, 'joined');
        checkNamed(ending as Ending, plain);
      }
      // The next URL of the list is tried after an unusable one.
      assert.equal(await joining(plain + query, [plain, secure]), 'joined');
    }));

  test('a page from https:// whose token function leads to ws:// in a rebuild: the session ends at once and says why', () =>
    play(async ({ ann, cluster, plain }) => {
      const { running } = cluster;
      await ann.join({ room: 'turns-plain', retry: { spreadMs: 0 } });
      // Bob keeps the session alive, because it ends with its last member.
      const bob = new SdkClient();
      await bob.session.connect(await running.token('turns-plain'));
      const again = await running.token('turns-plain');
      await ann.page.evaluate(
        (token) => {
          // A phone whose browser caches the page for longer than the server keeps its connection.
          participant.nextToken = token;
          dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
        },
        plain + again.slice(again.indexOf('?')),
      );
      await until('its connection is gone', async () => {
        const { json } = await running.rest('GET', '/sessions/turns-plain/connection?pendingConnections=false');
        return json['numberOfElements'] === 1;
      });
      const ending = await ann.page.evaluate(
        () =>
          new Promise<Ending>((resolve) => {
            const began = performance.now();
            participant.session.on('sessionDisconnected', ({ reason, cause }) => {
              const { name = '', message = '', action = '' } = (cause ?? {}) as Error & { action?: string };
              resolve({ name, message, action, reason, ms: performance.now() - began });
            });
            dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
          }),
      );
      assert.equal(ending.reason, 'networkDisconnect');
      checkNamed(ending, plain);
      bob.session.disconnect();
    }));
}
