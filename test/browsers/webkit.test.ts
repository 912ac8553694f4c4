import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { FailoverPolicy } from '../../src/server/store/store.ts';
import { CallCluster, type Room } from '../fixtures/browsers/call-cluster.ts';
import { Participant } from '../fixtures/browsers/participant.ts';
import { WebDriver } from '../fixtures/browsers/web-driver.ts';
import { RawMember } from '../fixtures/cluster/raw-member.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

let cluster: CallCluster;
let browser: WebDriver;
/** Runs in Safari's engine. */
let ann: Participant<WebDriver>;
before(async () => {
  browser = await WebDriver.open();
  cluster = await CallCluster.start();
});
beforeEach(async () => {
  await browser.goto(`${cluster.url}/participant.html`);
  ann = new Participant(browser, 'Ann');
});
afterEach(async () => {
  await browser.evaluate(() => participant.leave());
  await cluster.running.rested();
});
after(async () => {
  await browser?.close();
  await cluster?.stop();
});

/** Ann has her socket at the owner; Bob runs in this process with his socket at the other master. */
async function meet(failover: FailoverPolicy): Promise<{ readonly room: Room; readonly bob: SdkClient }> {
  const room = await cluster.room(failover);
  await ann.join({ room: room.name, urls: cluster.firstAt(room.owner) });
  const bob = new SdkClient({ urls: cluster.firstAt('master-2') });
  await bob.session.connect(() => cluster.running.token(room.name), 'Bob');
  await talk(bob, 'hello');
  return { room, bob };
}

/** Sends a signal each way. */
async function talk(bob: SdkClient, text: string): Promise<void> {
  await Promise.all([ann.says(`${text}, Bob`), bob.session.signal({ data: `${text}, Ann` })]);
  await ann.reads(`${text}, Ann`);
  await until(`Bob reads "${text}"`, () => bob.signals.includes(`${text}, Bob`));
}

const ownId = (): Promise<string> => browser.evaluate(() => participant.session.connection.connectionId);

test('a browser without WebRTC takes part, and unsupported calls reject with a named error', async () => {
  const room = await cluster.room();
  const bob = await RawMember.join(cluster.running.socketUrl, await cluster.running.token(room.name));
  bob.client.acknowledges = true;
  await bob.publish();
  assert.equal(await browser.evaluate(() => participant.rejoin.checkSystemRequirements()), false);
  assert.deepEqual(await browser.evaluate(() => participant.rejoin.getDevices()), []);
  await ann.join({ room: room.name });
  const refused = await browser.evaluate(async () => {
    const { session, rejoin } = participant;
    const nameOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'it is done',
        ({ name, action }: Error & { action: string }) => (action ? name : `${name}, without an action`),
      );
    const videoSource = participant.pictured({ width: 320, height: 240, frameRate: 20 });
    const publisher = await rejoin.initPublisherAsync(undefined, { audioSource: false, videoSource });
    const { stream } = session.streamManagers[0] ?? {};
    if (!stream) throw new Error('Nothing is published.');
    return [await nameOf(session.publish(publisher)), await nameOf(session.subscribeAsync(stream))];
  });
  assert.deepEqual(refused, ['BROWSER_NOT_SUPPORTED', 'BROWSER_NOT_SUPPORTED']);
  await ann.says('I can still write');
  await ann.reads('I can still write');
  await bob.leave();
});

test('the socket is cut: the connection resumes, and no signal is lost or repeated', async () => {
  const { bob } = await meet('rebuild');
  const id = await ownId();
  assert.equal(await browser.evaluate(() => participant.dropSockets()), 1);
  await bob.session.signal({ data: 'sent while you were away' });
  await ann.isTold('reconnected');
  await talk(bob, 'go on');
  const signals = await browser.evaluate(() => participant.signals);
  assert.equal(signals.filter((data) => data === 'sent while you were away').length, 1);
  assert.equal(await ownId(), id);
  assert.equal(bob.count('connectionDestroyed'), 0);
});

test('the owner crashes, policy "rebuild": the session is rebuilt', async () => {
  const { room, bob } = await meet('rebuild');
  const id = await ownId();
  const pid = cluster.running.cluster.kill(room.owner);
  await ann.isTold('rebuilt');
  await bob.happened('rebuilt');
  await talk(bob, 'back again');
  assert.notEqual(await ownId(), id, 'a new life has new ids');
  const story = await ann.story();
  assert.deepEqual(story.slice(-3), ['sessionDestroyed', 'rebuilding', 'rebuilt'], story.join(' '));
  assert.ok(!story.includes('connectionDestroyed'));
  await cluster.running.restarted(room.owner, pid);
});

test('the owner crashes, policy "takeover": the same connection continues at another master', async () => {
  const { room, bob } = await meet('takeover');
  const id = await ownId();
  const pid = cluster.running.cluster.kill(room.owner);
  await ann.isTold('reconnected');
  await talk(bob, 'as before');
  assert.equal(await ownId(), id);
  const story = await ann.story();
  assert.deepEqual(story.slice(-2), ['reconnecting', 'reconnected'], story.join(' '));
  for (const event of ['sessionDestroyed', 'connectionDestroyed', 'rebuilding'] as const) {
    assert.ok(!story.includes(event), story.join(' '));
  }
  await cluster.running.restarted(room.owner, pid);
});
