import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellingOfDialog } from '../../src/client/media/access-dialog.ts';

test('immediate access implies no dialog; slow access implies one, which closes with it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  assert.equal(await tellingOfDialog(Promise.resolve('media'), (event) => told.push(event)), 'media');
  t.mock.timers.tick(10_000);
  assert.equal(told.length, 0);
  let deny = (_error: Error): void => {};
  const asked = new Promise<string>((_resolve, reject) => {
    deny = reject;
  });
  const access = tellingOfDialog(asked, (event) => told.push(event));
  t.mock.timers.tick(1_999);
  assert.equal(told.length, 0);
  t.mock.timers.tick(1);
  assert.deepEqual(told, ['accessDialogOpened']);
  deny(new Error('denied'));
  await assert.rejects(access, /denied/);
  assert.deepEqual(told, ['accessDialogOpened', 'accessDialogClosed']);
});
