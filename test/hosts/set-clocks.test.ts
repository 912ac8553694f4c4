import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { Sleeper } from '../fixtures/cluster/sleeper.ts';
import { CLIENTS, FaultNet } from '../fixtures/faults/fault-net.ts';
import { CLIENTS_CLOCK, Clocks } from '../fixtures/hosts/clocks.ts';
import { until } from '../fixtures/until.ts';

const NODES = ['master-1', 'master-2', 'media-1', 'media-2', 'balancer-1'];
const NET = new FaultNet(5);
/** Longer than a client needs to return, whose delays grow. */
const GRACE_MS = 8_000;
const JUMPS = [-30, -3_600, 3_600];
const POLICIES = ['rebuild', 'takeover'] as const;

let clocks: Clocks;
let running: RunningCluster;
let rooms = 0;
const sleepers: Sleeper[] = [];

before(async () => {
  clocks = new Clocks(NODES);
  running = await RunningCluster.start({
    reachedAt: NET.reachedAt,
    timing: { resumeGraceMs: GRACE_MS },
  });
});
after(async () => {
  await running.stop();
  await NET.close();
  clocks.close();
});
afterEach(async () => {
  NET.heal();
  for (const sleeper of sleepers.splice(0)) sleeper.end();
  clocks.set([...NODES, CLIENTS_CLOCK], 0);
  await running.rested();
});

interface Post {
  readonly path: string;
  readonly body: object;
  readonly master?: string;
}

/** Sent to a master directly, because the clients' path is cut at times. */
function post({ path, body, master = 'master-1' }: Post): Promise<{ status: number; json: Record<string, unknown> }> {
  return running.rest('POST', path, body, { base: running.node(master).url });
}

async function token(room: string, failover: (typeof POLICIES)[number], more: object = {}): Promise<string> {
  return until(`a token for ${room}`, async () => {
    await post({ path: '/sessions', body: { customSessionId: room, failover } });
    const { json } = await post({ path: `/sessions/${room}/connection`, body: more });
    return json['token'] as string | undefined;
  });
}

/** A client with its own clock, and another that stays in the room over an uncut path. */
class Pair {
  readonly stays = new SdkClient({ urls: [running.node('master-2').url.replace('http', 'ws')] });
  readonly room: string;
  readonly policy: (typeof POLICIES)[number];
  goes!: Sleeper;

  constructor(policy: (typeof POLICIES)[number]) {
    rooms += 1;
    this.room = `clocks-${rooms}`;
    this.policy = policy;
  }

  async meet(): Promise<this> {
    await this.stays.session.connect(await token(this.room, this.policy));
    this.goes = await Sleeper.join(() => token(this.room, this.policy), running.url.replace('http', 'ws'));
    sleepers.push(this.goes);
    await this.stays.happened('connectionCreated', 2);
    return this;
  }

  /** The connection of the leaving client. */
  get connectionId(): string {
    return [...this.stays.session.remoteConnections.keys()][0] ?? '';
  }
}

function pairs(...policies: (typeof POLICIES)[number][]): Promise<Pair[]> {
  return Promise.all(policies.map((policy) => new Pair(policy).meet()));
}

/** Sets the clocks while the clients' path is cut, and heals the path `within` the work. */
async function cutAndSet(who: readonly string[], seconds: number, within: () => Promise<unknown>): Promise<void> {
  NET.cut(CLIENTS, 'balancer-1');
  clocks.set(who, seconds);
  await within();
  NET.heal();
}

/** Waits for real time, because time itself is the condition. */
function passed(ms: number): Promise<unknown> {
  const begun = performance.now();
  return until(`${ms} ms have passed`, () => performance.now() - begun > ms);
}

const WHO: readonly (readonly [name: string, who: readonly string[]])[] = [
  ['all clocks', [...NODES, CLIENTS_CLOCK]],
  ["the servers' clocks", NODES],
  ["the clients' clock", [CLIENTS_CLOCK]],
];

for (const seconds of JUMPS) {
  for (const [name, who] of WHO) {
    test(`${name} are set by ${seconds} s while clients are away: an awaited client comes back, a removed one does not`, async () => {
      const short = await pairs(...POLICIES);
      await cutAndSet(who, seconds, () => passed(1_000));
      for (const { goes } of short) {
        await until('it is back', () => goes.told.length > 0);
        assert.deepEqual(goes.told, [{ kind: 'told', event: 'reconnected' }]);
        assert.equal(goes.tokensAsked, 1);
      }
      const long = await pairs(...POLICIES);
      const removed = await pairs(...POLICIES);
      await cutAndSet(who, 0, async () => {
        for (const { room, connectionId } of removed) {
          const { status } = await running.rest('DELETE', `/sessions/${room}/connection/${connectionId}`, undefined, {
            base: running.node('master-1').url,
          });
          assert.equal(status, 204);
        }
        const away = performance.now();
        for (const { stays } of [...long, ...removed]) await stays.happened('connectionDestroyed');
        assert.ok(performance.now() - away > GRACE_MS - 1_500, 'not before the end of the grace period');
      });
      for (const { goes } of long) {
        await until('it is back', () => goes.told.length > 0);
        assert.deepEqual(goes.told, [{ kind: 'told', event: 'rebuilt' }]);
      }
      for (const { goes } of removed) {
        await until('it has ended', () => goes.told.length > 0);
        assert.deepEqual(goes.told, [
          { kind: 'told', event: 'sessionDisconnected', reason: 'forceDisconnectByServer' },
        ]);
        assert.equal(goes.tokensAsked, 1);
      }
    });
  }

  test(`each server's clock alone is set by ${seconds} s while clients are away: no client is lost`, async () => {
    for (const node of NODES) {
      const all = await pairs(...POLICIES);
      await cutAndSet([node], seconds, () => passed(2_500));
      clocks.set([node], 0);
      for (const { goes, policy } of all) {
        await until(`it is back, ${node}, ${policy}`, () => goes.told.length > 0);
        const back = goes.told.at(-1)?.event;
        // The others refuse a node whose clock differs by an hour, and take it for dead.
        const mayBeDead = policy === 'rebuild' && Math.abs(seconds) > 300;
        assert.ok(
          back === 'reconnected' || (mayBeDead && back === 'rebuilt'),
          `${node}, ${policy}: ${JSON.stringify(goes.told)}`,
        );
      }
    }
  });

  test(`all clocks are set by ${seconds} s, and then the owner crashes: time limits keep their length`, async () => {
    const [pair] = await pairs('takeover');
    assert.ok(pair);
    const [lasting, brief] = [
      await token(pair.room, 'takeover'),
      await token(pair.room, 'takeover', { expiresInMs: 4_000 }),
    ];
    const made = performance.now();
    clocks.set([...NODES, CLIENTS_CLOCK], seconds);
    // A process that starts now has only the new time.
    for (const id of ['master-2', 'master-1']) await running.restarted(id, running.cluster.kill(id));
    await until(
      'the session continues',
      async () => (await post({ path: `/sessions/${pair.room}/connection`, body: {} })).status === 200,
    );
    await new SdkClient().session.connect(lasting);
    await until('the other one has expired', () => performance.now() - made > 4_500);
    await assert.rejects(new SdkClient().session.connect(brief), { code: 'TOKEN_EXPIRED' });
    const record = await running.session(pair.room);
    assert.ok(record);
    await running.rest('DELETE', `/sessions/${pair.room}`, undefined, { base: running.node('master-1').url });
    await until('it has ended', () => pair.goes.told.find(({ event }) => event === 'sessionDisconnected'));
  });
}
