import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RejoinError } from '../../src/client/errors.ts';
import { requestFailed } from '../../src/client/session/refusal.ts';
import { ProtocolError } from '../../src/protocol/errors.ts';

test('what the server does not permit has OpenVidu’s name, all else that it refuses its own code', () => {
  const denied = requestFailed(new ProtocolError('NOT_PERMITTED', 'publish'));
  assert.ok(denied instanceof RejoinError);
  assert.deepEqual([denied.name, denied.code], ['OPENVIDU_PERMISSION_DENIED', 'NOT_PERMITTED']);
  const unknown = requestFailed(new ProtocolError('CONNECTION_UNKNOWN'));
  assert.ok(unknown instanceof RejoinError);
  assert.deepEqual([unknown.name, unknown.code], ['GENERIC_ERROR', 'CONNECTION_UNKNOWN']);
  const own = new Error('of the application');
  assert.equal(requestFailed(own), own);
});
