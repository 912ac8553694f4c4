import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RejoinError } from '../../src/client/errors.ts';
import { requestFailed } from '../../src/client/session/refusal.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';

test("missing permissions have OpenVidu’s name, all other refusals the server's code", () => {
  const denied = requestFailed(new ProtocolError('NOT_PERMITTED', 'publish'));
  assert.ok(denied instanceof RejoinError);
  assert.deepEqual([denied.name, denied.code], ['OPENVIDU_PERMISSION_DENIED', 'NOT_PERMITTED']);
  const unknown = requestFailed(new ProtocolError('CONNECTION_UNKNOWN'));
  assert.ok(unknown instanceof RejoinError);
  assert.deepEqual([unknown.name, unknown.code], ['GENERIC_ERROR', 'CONNECTION_UNKNOWN']);
  const own = new Error('of the application');
  assert.equal(requestFailed(own), own);
});

test('a browser without WebRTC leads to a named error, and an error of the application keeps its own name', () => {
  assert.ok(!('RTCPeerConnection' in globalThis), 'Node has none either');
  const unsupported = Object.assign(new Error('device not supported'), { name: 'UnsupportedError' });
  for (const cause of [new ReferenceError('RTCPeerConnection is not defined'), unsupported]) {
    const refused = requestFailed(cause);
    assert.ok(refused instanceof RejoinError);
    assert.deepEqual([refused.name, refused.cause], ['BROWSER_NOT_SUPPORTED', cause]);
    assert.match(refused.action, /checkSystemRequirements/);
  }
});
