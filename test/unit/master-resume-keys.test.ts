import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  acceptsKey,
  hashResumeKey,
  hasOnlyKey,
  withNextKey,
  withOnlyKey,
} from '../../src/server/master/owner/resume-keys.ts';

type Keys = Parameters<typeof acceptsKey>[0];

describe('the resume keys of a member', () => {
  const joined: Keys = { resumeKeyHash: hashResumeKey('one'), joinKey: 'join' };
  const handOut = (keys: Keys, shown: string | undefined, next: string): Keys => {
    const after = withNextKey(keys, shown === undefined ? undefined : hashResumeKey(shown), hashResumeKey(next));
    assert.ok(after);
    return after;
  };
  const accepted = (keys: Keys): string[] =>
    ['one', 'two', 'three', 'four', 'five'].filter((key) => acceptsKey(keys, key));

  it('are accepted old and new until the new one is proven', () => {
    const resumed = handOut(joined, 'one', 'two');
    assert.deepEqual(accepted(resumed), ['one', 'two']);
    const proven = withOnlyKey(resumed, hashResumeKey('two'));
    assert.deepEqual(accepted(proven), ['two']);
    assert.deepEqual([proven.joinKey, hasOnlyKey(proven, hashResumeKey('two'))], [undefined, true]);
    assert.equal(hasOnlyKey(joined, hashResumeKey('one')), false);
  });

  it('of several possibly lost welcomes some keys are accepted, among them the received one', () => {
    let keys = joined;
    for (const next of ['two', 'three', 'four', 'five']) keys = handOut(keys, 'one', next);
    assert.deepEqual(accepted(keys), ['one', 'three', 'four', 'five']);
    assert.deepEqual(accepted(handOut(joined, undefined, 'two')), ['one', 'two']);
  });

  it('are proven by a hello with a new one', () => {
    const keys = handOut(handOut(joined, 'one', 'two'), 'two', 'three');
    assert.deepEqual(accepted(keys), ['two', 'three']);
    assert.equal(withNextKey(keys, hashResumeKey('one'), hashResumeKey('four')), undefined);
  });
});
