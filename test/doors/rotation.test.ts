import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { basic, type DoorProcess, DoorProcesses } from '../fixtures/doors/processes.ts';
import { until } from '../fixtures/until.ts';

/** A secret is replaced during operation: no process restarts, and no request is refused. */

const OLD = 'the-old-secret-of-the-rotation-0123456789';
const NEW = 'the-new-secret-of-the-rotation-9876543210';

const folder = mkdtempSync(join(tmpdir(), 'rejoin-rotation-'));
const processes = new DoorProcesses();
after(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

const fileOf = (id: string): string => join(folder, id);

async function aMaster(id: string): Promise<DoorProcess> {
  write(id, OLD);
  return processes.master(id, { REJOIN_SECRET: undefined, REJOIN_SECRET_FILE: fileOf(id) });
}

function write(id: string, ...secrets: string[]): void {
  writeFileSync(fileOf(id), `${secrets.join('\n')}\n`);
}

async function statusAt({ url }: DoorProcess, path: string, secret: string, body?: unknown): Promise<number> {
  const answer = await fetch(`${url}/openvidu/api${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: basic(secret), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.text();
  return answer.status;
}

/** Resolves when the process has read its file again. */
async function follows(master: DoorProcess, times: number): Promise<void> {
  await until('the file is in force', () => {
    return master.log().filter(({ msg }) => msg === 'Reloaded the secret file.').length >= times;
  });
}

test('a secret is rotated on one master after the other, without a refused call', {
  timeout: 90_000,
}, async () => {
  const [one, two] = [await aMaster('master-1'), await aMaster('master-2')];
  await until('they know each other', async () => (await statusAt(one, '/nodes/master-2', OLD)) === 200);
  assert.equal(await statusAt(one, '/sessions', OLD, { customSessionId: 'room' }), 200);
  /** Sent to the master that does not own it, which forwards it over the internal port, signed. */
  const passedOn = (secret: string): Promise<number> => statusAt(two, '/sessions/room', secret);
  assert.equal(await passedOn(OLD), 200);
  assert.equal(await passedOn(NEW), 401);

  const steps: readonly (readonly [id: string, ...secrets: string[]])[] = [
    ['master-1', OLD, NEW],
    ['master-2', OLD, NEW],
    ['master-1', NEW, OLD],
    ['master-2', NEW, OLD],
    ['master-1', NEW],
    ['master-2', NEW],
  ];
  for (const [at, [id, ...secrets]] of steps.entries()) {
    write(id, ...secrets);
    await follows(id === 'master-1' ? one : two, Math.floor(at / 2) + 1);
    // Both know the new secret after the second step; an application's server uses it from then on.
    const secret = at < 1 ? OLD : NEW;
    assert.equal(await passedOn(secret), 200, `step ${at}`);
    assert.equal(await statusAt(one, '/nodes/master-2', secret), 200, `step ${at}: they hear each other`);
  }
  assert.equal(await passedOn(OLD), 401);
  const refused = [one, two]
    .flatMap((master) => master.log())
    .filter(({ msg }) => String(msg).includes('internal port'));
  assert.deepEqual(refused, []);
});
