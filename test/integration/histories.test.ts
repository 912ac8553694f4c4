import assert from 'node:assert/strict';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { FaultNet } from '../fixtures/faults/fault-net.ts';
import { drawSchedule, play, type Trouble } from '../fixtures/faults/fault-schedule.ts';
import type { Finding } from '../fixtures/history/history.ts';
import type { Participant } from '../fixtures/history/participant.ts';
import { Recorder } from '../fixtures/history/recorder.ts';
import { letTalk } from '../fixtures/history/talk.ts';
import { pick, seededRandom, seeds } from '../fixtures/random.ts';
import { until } from '../fixtures/until.ts';

const RUNS = 3;
/** Faults begin within this time. */
const TROUBLED_MS = 9_000;
/** Longer than the wait for missing participants after a crash, and than the grace period. */
const REST_MS = 40_000;
/** Maximum of findings in a failure's message. */
const MOST_SAID = 30;
const RETRY = { spreadMs: 100, baseMs: 200, capMs: 1_000 };
const PATIENT = { retry: RETRY, connectTimeoutMs: 30_000 };

for (const seed of seeds(RUNS)) {
  test(`random faults lose nothing, repeat nothing, and all clients agree: SEED=${seed}`, async () => {
    const net = new FaultNet(seed);
    const timing = { beatMs: 300, verdictMs: 900, resumeGraceMs: 30_000 };
    const running = await RunningCluster.start({ masters: 3, timing, reachedAt: net.reachedAt });
    const recorder = new Recorder(running);
    try {
      const leavers = await fillRooms(recorder);
      const random = seededRandom(seed);
      const schedule = drawSchedule(seed, TROUBLED_MS);
      const hush = letTalk(recorder);
      const comers = ['rebuild', 'takeover'].map(async (room) => {
        await new Promise((resolve) => setTimeout(resolve, random() * TROUBLED_MS));
        await recorder.join(`late in ${room}`, room, PATIENT);
      });
      await play(schedule, running, net);
      await Promise.all(comers);
      hush();
      await expectNothing(await recorder.atRest(REST_MS), { seed, schedule, recorder, running });
      pick(random, leavers).leave();
      await expectNothing(await recorder.atRest(REST_MS), { seed, schedule, recorder, running });
    } finally {
      net.heal();
      recorder.end();
      await running.stop();
      await net.close();
    }
  });
}

test('a participant that misses a whole life of a session is not announced again', async () => {
  const running = await RunningCluster.start({ masters: 3 });
  const recorder = new Recorder(running);
  let open = (): void => {};
  let gate = Promise.resolve();
  try {
    await recorder.room('rebuild', 'rebuild');
    const present = [await recorder.join('r1', 'rebuild', PATIENT), await recorder.join('r2', 'rebuild', PATIENT)];
    const absent = await recorder.join('r3', 'rebuild', { ...PATIENT, beforeToken: () => gate });
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const hush = letTalk({ participants: present });
    running.cluster.kill(await running.ownerOf('rebuild'));
    for (const { client } of present) await client.happened('rebuilt');
    await until('they send signals', () => present.every(({ client }) => client.signals.length > 50));
    hush();
    await until('all signals have been answered', () =>
      present.every(({ name: sender }) => count(recorder, 'sent', sender) === count(recorder, 'settled', sender)),
    );
    running.cluster.kill(await running.ownerOf('rebuild'));
    for (const { client } of present) await client.happened('rebuilt', 2);
    open();
    await absent.client.happened('rebuilt');
    assert.deepEqual(await recorder.atRest(REST_MS), []);
  } finally {
    open();
    recorder.end();
    await running.stop();
  }
});

function count({ history }: Recorder, kind: 'sent' | 'settled', client: string): number {
  return history.filter((one) => one.kind === kind && one.client === client).length;
}

/** Two rooms of four; in the takeover room, two have plain tokens. */
async function fillRooms(recorder: Recorder): Promise<Participant[]> {
  await recorder.room('rebuild', 'rebuild');
  await recorder.room('takeover', 'takeover');
  for (const number of [1, 2, 3, 4]) {
    await recorder.join(`r${number}`, 'rebuild', PATIENT);
    await recorder.join(`t${number}`, 'takeover', { ...PATIENT, plainToken: number < 3 });
  }
  return [...recorder.participants];
}

interface Run {
  readonly seed: number;
  readonly schedule: readonly Trouble[];
  readonly recorder: Recorder;
  readonly running: RunningCluster;
}

/** Fails with all evidence if there are findings. */
async function expectNothing(findings: readonly Finding[], { seed, schedule, recorder, running }: Run): Promise<void> {
  if (findings.length === 0) return;
  const folder = await mkdtemp(join(tmpdir(), `rejoin-history-${seed}-`));
  await cp(join(running.cluster.stateDir, 'logs'), join(folder, 'logs'), { recursive: true });
  await writeFile(join(folder, 'history.jsonl'), recorder.history.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const said = findings.slice(0, MOST_SAID).map(({ kind, what }) => `  ${kind}: ${what}`);
  if (findings.length > MOST_SAID) said.push(`  and ${findings.length - MOST_SAID} more`);
  const done = schedule.map(({ atMs, forMs, what }) => `  ${atMs} ms, for ${forMs} ms: ${JSON.stringify(what)}`);
  assert.fail(
    [`SEED=${seed}. What is wrong:`, ...said, 'The schedule:', ...done, `Logs and history: ${folder}`].join('\n'),
  );
}
