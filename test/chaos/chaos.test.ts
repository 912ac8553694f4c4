import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeds } from '../fixtures/random.ts';
import { describeOutcome, verdicts } from './report.ts';
import { runChaos } from './run.ts';

/** With start, calm and account it is two minutes and a half. `SEED=n` replays the schedule of a run that has failed. */
const MINUTES = 1.75;

for (const seed of seeds(1)) {
  test(`${MINUTES} minutes of chaos, seed ${seed}`, async (t) => {
    const { outcome, evidence } = await runChaos({
      minutes: MINUTES,
      seed,
      rooms: 8,
      seatsPerRoom: 5,
      tabs: true,
      say: (line) => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`),
      signal: t.signal,
    });
    console.log(describeOutcome(outcome));
    if (evidence) console.log(`The logs and the history are in ${evidence}.`);
    for (const { what, against } of verdicts(outcome)) {
      await t.test(what, () => assert.deepEqual(against, [], `seed ${seed}`));
    }
  });
}
