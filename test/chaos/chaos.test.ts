import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { seeds } from '../fixtures/random.ts';
import { describeOutcome, type Outcome, verdicts } from './report.ts';

/**
 * With start, recovery and evaluation it takes two and a half minutes. `SEED=n` replays the schedule of a failed run.
 */
const MINUTES = 1.75;
const COMMAND = join(import.meta.dirname, 'chaos.ts');

for (const seed of seeds(1)) {
  test(`${MINUTES} minutes of chaos, seed ${seed}`, async (t) => {
    const outcome = await run(seed, t.signal);
    console.log(describeOutcome(outcome));
    assert.ok(outcome.losesPackets, 'network namespaces missing: see above');
    for (const { what, against } of verdicts(outcome)) {
      await t.test(what, () => assert.deepEqual(against, [], `seed ${seed}`));
    }
  });
}

/** Runs the command in its own network namespace, which a process cannot enter after its start. */
async function run(seed: number, signal: AbortSignal): Promise<Outcome> {
  const args = ['--minutes', String(MINUTES), '--seed', String(seed), '--json'];
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], signal });
  assert.ok(child.stdout);
  const [json, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  assert.ok(json.startsWith('{'), `the run itself failed, with code ${code}`);
  return JSON.parse(json) as Outcome;
}
