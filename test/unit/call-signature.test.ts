import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CallSigner,
  CallVerifier,
  hashBody,
  MAX_SKEW_MS,
  type SignedCall,
} from '../../src/server/shared/call-signature.ts';
import { ReplayWindow } from '../../src/server/shared/replay-window.ts';
import { Secrets } from '../../src/server/shared/secrets.ts';

const CALL: SignedCall = { method: 'POST', path: '/internal/up?a=1', caller: 'master-1@a', target: 'master-2@b' };

function fault(verified: ReturnType<CallVerifier['verify']>): string {
  return verified.kind === 'refused' ? verified.fault : verified.kind;
}

describe('the signature of a call', () => {
  it('is accepted once, and names the body', () => {
    const header = new CallSigner(Secrets.of('one')).sign(CALL, '{}');
    const verifier = new CallVerifier(Secrets.of('one'));
    assert.deepEqual(verifier.verify(header, CALL), { kind: 'genuine', bodyHash: hashBody('{}') });
    assert.equal(fault(verifier.verify(header, CALL)), 'repeated');
  });

  it('is valid for this call only', () => {
    const verifier = new CallVerifier(Secrets.of('one'));
    const signer = new CallSigner(Secrets.of('one'));
    const others: Partial<SignedCall>[] = [
      { method: 'GET' },
      { path: '/internal/down' },
      { path: '/internal/up?a=2' },
      { caller: 'master-3@c' },
      { target: '' },
      { target: 'master-3@c' },
    ];
    for (const other of others) {
      assert.equal(
        fault(verifier.verify(signer.sign(CALL, ''), { ...CALL, ...other })),
        'wrong',
        JSON.stringify(other),
      );
    }
    const header = signer.sign(CALL, '{"a":1}');
    const otherBody = header.replace(hashBody('{"a":1}'), hashBody('{"a":2}'));
    assert.equal(fault(verifier.verify(otherBody, CALL)), 'wrong');
    const [version, time, ...rest] = header.split(' ');
    assert.equal(fault(verifier.verify([version, Number(time) + 1, ...rest].join(' '), CALL)), 'wrong');
  });

  it('is refused when it is missing, malformed, of another secret, or too old', () => {
    const verifier = new CallVerifier(Secrets.of('one'));
    assert.equal(fault(verifier.verify(undefined, CALL)), 'missing');
    for (const text of ['', 'Bearer x', 'v1 1 2 3 4', 'v2 x'])
      assert.equal(fault(verifier.verify(text, CALL)), 'malformed');
    assert.equal(fault(verifier.verify(new CallSigner(Secrets.of('two')).sign(CALL, ''), CALL)), 'wrong');
    const later = new CallVerifier(Secrets.of('one'), () => Date.now() + MAX_SKEW_MS + 1_000);
    assert.equal(fault(later.verify(new CallSigner(Secrets.of('one')).sign(CALL, ''), CALL)), 'clock');
  });

  it('may be made with either of two secrets while they are rotated', () => {
    const verifier = new CallVerifier(Secrets.of('new', 'old'));
    for (const secret of ['new', 'old']) {
      assert.equal(fault(verifier.verify(new CallSigner(Secrets.of(secret)).sign(CALL, ''), CALL)), 'genuine');
    }
    assert.equal(fault(verifier.verify(new CallSigner(Secrets.of('older')).sign(CALL, ''), CALL)), 'wrong');
  });
});

describe('ReplayWindow', () => {
  it('accepts each number once, in any order within the window', () => {
    const window = new ReplayWindow();
    const numbers = [3, 1, 2, 9_000, 8_999, 900];
    for (const number of numbers) assert.equal(window.admit('a', number), true, `${number}`);
    for (const number of numbers) assert.equal(window.admit('a', number), false, `${number} again`);
    assert.equal(window.admit('a', 800), false, 'too far behind');
    assert.equal(window.admit('b', 3), true, 'of another caller');
  });

  it('agrees with a set over many numbers', () => {
    const window = new ReplayWindow();
    const seen = new Set<number>();
    let newest = 0;
    for (let step = 0; step < 50_000; step += 1) {
      const number = Math.max(1, newest + Math.floor(Math.random() * 400) - 300);
      assert.equal(window.admit('a', number), !seen.has(number), `${number}, newest ${newest}`);
      seen.add(number);
      newest = Math.max(newest, number);
    }
  });

  it('forgets callers without recent calls, and has a limit', () => {
    let now = 0;
    const window = new ReplayWindow(() => now);
    window.admit('old', 1);
    now = 16 * 60_000;
    window.admit('new', 1);
    assert.equal(window.size, 1);
    for (let caller = 0; caller < 5_000; caller += 1) window.admit(`caller ${caller}`, 1);
    assert.ok(window.size <= 4_097);
  });
});
