import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { CLIENTS, FaultNet } from '../fixtures/faults/fault-net.ts';
import type { Finding } from '../fixtures/history/history.ts';
import type { Participant } from '../fixtures/history/participant.ts';
import { Recorder } from '../fixtures/history/recorder.ts';
import { letTalk } from '../fixtures/history/talk.ts';
import { until } from '../fixtures/until.ts';

const net = new FaultNet(1);
let running: RunningCluster;
let recorder: Recorder;
let hush = (): void => {};
before(async () => {
  makeSocketsCuttable();
  const timing = { beatMs: 300, verdictMs: 1_200 };
  running = await RunningCluster.start({ masters: 3, failover: 'takeover', timing, reachedAt: net.reachedAt });
});
afterEach(() => {
  net.heal();
  hush();
  recorder.end();
});
after(async () => {
  await running.stop();
  await net.close();
});

/**
 * Makes a room of master-2, with a sending client for each of these edges; `undefined`: an edge that the balancer
 * chooses.
 */
async function talkingRoom(room: string, edges: readonly (string | undefined)[]): Promise<Participant[]> {
  recorder = new Recorder(running);
  await recorder.room(room, 'takeover', 'master-2');
  for (const [at, edge] of edges.entries()) {
    const urls = edge ? [running.node(edge).url, running.url].map((url) => url.replace('http', 'ws')) : undefined;
    await recorder.join(`${at}`, room, urls ? { urls } : {});
  }
  hush = letTalk(recorder);
  await everyoneGetsOn();
  return recorder.participants;
}

/** Resolves when every client has received a signal from every other, sent after this call. */
async function everyoneGetsOn(withinMs = 15_000): Promise<void> {
  const from = recorder.history.length;
  const { participants } = recorder;
  const pairs = participants.flatMap((to) => participants.map((sender) => `${sender.name} to ${to.name}`));
  await until(
    'new signals arrive',
    () => {
      const recent = recorder.history.slice(from);
      const fresh = new Set(recent.flatMap((one) => (one.kind === 'sent' ? one.payload : [])));
      const got = new Set(
        recent.flatMap((one) =>
          one.kind === 'received' && fresh.has(one.payload) ? `${one.from} to ${one.client}` : [],
        ),
      );
      return pairs.every((pair) => got.has(pair));
    },
    withinMs,
  );
}

async function allIsWell(): Promise<void> {
  net.heal();
  hush();
  const findings: Finding[] = await recorder.atRest(15_000);
  assert.deepEqual(findings, []);
}

function told(participant: Participant, event: string): number {
  return recorder.history.filter((one) => one.kind === 'told' && one.client === participant.name && one.event === event)
    .length;
}

async function epochOf(room: string): Promise<number> {
  return (await until('the room is there', () => running.session(room))).epoch;
}

function lines(node: string, start: string, life: string): number {
  return running.log(node).filter(({ msg, session }) => String(msg).startsWith(start) && session === life).length;
}

describe('between the edge of a client and the owner', () => {
  for (const [name, fault] of [
    ['the link is cut', () => net.cut('master-1', 'master-2')],
    ['nothing reaches the owner', () => net.stall('master-1', 'master-2', 'there')],
    ['nothing reaches the edge', () => net.stall('master-1', 'master-2', 'back')],
    ['nothing passes', () => net.stall('master-1', 'master-2')],
  ] as const) {
    test(`${name}: its clients continue through others, and the session stays in place`, async () => {
      const room = name.replaceAll(' ', '-');
      await talkingRoom(room, ['master-1', 'master-2', 'master-3']);
      const epoch = await epochOf(room);
      fault();
      await everyoneGetsOn();
      // This still holds after all verdicts, and after repeated ones.
      for (let round = 0; round < 3; round += 1) await everyoneGetsOn();
      assert.equal(await epochOf(room), epoch, 'the others reach its owner');
      await allIsWell();
    });
  }
});

test('a resume succeeds even if its answer comes after the edge gave the owner up', async () => {
  const given = (): number =>
    running
      .log('master-1')
      .filter(({ msg, peer }) => String(msg).includes('cannot be reached') && String(peer).startsWith('master-2@'))
      .length;
  const [ann] = await talkingRoom('late-answer', ['master-1', 'master-2', 'master-3']);
  const before = given();
  net.stall('master-2', 'master-1', 'there');
  cutSockets();
  await until('the edge has given the owner up', () => given() > before);
  net.heal();
  await ann?.client.happened('reconnected');
  await everyoneGetsOn();
  await allIsWell();
});

describe('between the owner and the media node', () => {
  for (const [name, fault] of [
    ['cut', (owner: string, media: string) => net.cut(owner, media)],
    ['stalled', (owner: string, media: string) => net.stall(owner, media)],
  ] as const) {
    test(`the link is ${name} for longer than a verdict: the media moves, and nothing stays behind`, async () => {
      const room = `media-${name}`;
      await talkingRoom(room, ['master-1', 'master-2']);
      const first = await until('it is there', () => running.session(room));
      const media = await running.mediaNodeOf(room);
      fault('master-2', media);
      await until('it has moved', async () => (await running.mediaNodeOf(room)) !== media);
      await everyoneGetsOn();
      const second = await until('it is there', () => running.session(room));
      assert.deepEqual([second.owner, second.epoch], [first.owner, first.epoch], 'its owner is the same');
      net.heal();
      await until('its old room is closed', () => lines(media, 'Closed a room.', first.uniqueSessionId) > 0);
      await allIsWell();
      assert.equal(await running.mediaNodeOf(room), (second.mediaNode ?? '').split('@')[0]);
    });
  }
});

test('the owner is cut off from everything: another master takes over, and the old owner is fenced on its return', async () => {
  const room = 'cut-off';
  await talkingRoom(room, [undefined, undefined, undefined, 'master-1', 'master-3']);
  const { uniqueSessionId, epoch } = await until('it is there', () => running.session(room));
  for (const end of ['master-1', 'master-3', 'media-1', 'media-2', 'balancer-1']) net.stall('master-2', end);
  await until('another owns it', async () => (await running.ownerOf(room)) !== 'master-2');
  await everyoneGetsOn();
  net.heal();
  await until('it has stepped down', () => lines('master-2', 'Stepped down', uniqueSessionId) === 1);
  await everyoneGetsOn();
  await allIsWell();
  assert.equal(await epochOf(room), epoch + 1);
});

describe('between clients and the balancer', () => {
  test('a half-open socket is detected within five seconds, and resumes when the path is back', async () => {
    const [ann, bob] = await talkingRoom('half-open', [undefined, 'master-1']);
    assert.ok(ann && bob);
    const since = performance.now();
    net.stall(CLIENTS, 'balancer-1');
    const { at } = await ann.client.happened('reconnecting');
    assert.ok(at - since <= 5_000, `${Math.round(at - since)} ms`);
    await until('others see it', () => bob.client.count('connectionPresence') > 0);
    net.heal();
    await ann.client.happened('reconnected');
    await everyoneGetsOn();
    await allIsWell();
    assert.equal(told(bob, 'reconnecting'), 0);
  });

  test('300 ms of delay and 5 % of loss, each way: nobody reconnects', async () => {
    const participants = await talkingRoom('slow', [undefined, undefined, undefined]);
    net.delay(CLIENTS, 'balancer-1', { ms: 300, loss: 0.05 });
    const begun = performance.now();
    await until('longer than all time limits', () => performance.now() - begun > 6_000);
    await everyoneGetsOn();
    hush();
    assert.deepEqual(await recorder.atRest(15_000), []);
    for (const one of participants) assert.equal(told(one, 'reconnecting') + told(one, 'exception'), 0);
  });

  test('the balancer is killed and returns: all clients resume', async () => {
    const participants = await talkingRoom('balancer', [undefined, undefined, undefined]);
    const pid = running.cluster.kill('balancer-1');
    for (const one of participants) await one.client.happened('reconnected');
    await running.restarted('balancer-1', pid);
    await everyoneGetsOn();
    await allIsWell();
    for (const one of participants) assert.equal(told(one, 'reconnected'), 1);
  });
});

/** Another process locks the store's file until the returned function is called. */
async function lockStore(): Promise<() => Promise<void>> {
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(process.argv[1]);
    db.exec('PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE');
    console.log('locked');
    process.stdin.on('close', () => { db.exec('ROLLBACK'); db.close(); }).resume();
  `;
  const file = join(running.cluster.stateDir, 'store.sqlite');
  const child = spawn(process.execPath, ['-e', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    const gone = once(child, 'exit');
    child.stdin.end();
    await gone;
  };
}

test('the store is locked for seconds: owned sessions continue, and requests that need the store get 503', async () => {
  const [ann] = await talkingRoom('locked', [undefined, 'master-1', 'master-3']);
  const epoch = await epochOf('locked');
  const unlock = await lockStore();
  try {
    const refused = await fetch(`${running.url}/openvidu/api/sessions`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`OPENVIDUAPP:${running.cluster.secret}`)}` },
    });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    await everyoneGetsOn(1_000);
    // A client that has lost its socket resumes without the store.
    ann?.client.forget();
    net.cut(CLIENTS, 'balancer-1');
    await ann?.client.happened('reconnecting');
    net.heal();
    await ann?.client.happened('reconnected', 1, 4_000);
    await everyoneGetsOn(1_000);
  } finally {
    await unlock();
  }
  await recorder.join('late', 'locked');
  await everyoneGetsOn();
  await allIsWell();
  assert.equal(await epochOf('locked'), epoch);
});
