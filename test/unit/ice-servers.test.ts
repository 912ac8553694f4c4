import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readIceServers } from '../../src/server/cli/values.ts';
import { IceServerError, iceServersFrom, toIceServer } from '../../src/server/shared/ice-servers.ts';

const turn = { username: 'me', credential: 'secret' };

describe('ice servers', () => {
  it('are accepted in OpenVidu’s form and in the browsers’, and returned to browsers in theirs', () => {
    const given = [
      { url: 'stun:stun.example.org', username: null, credential: null },
      { url: 'turn:10.0.0.1:3478?transport=tcp', ...turn, staticAuthSecret: 'dropped' },
      { urls: ['turn:[2001:db8::1]:3478', 'turns:turn.example.org:443?transport=tcp'], ...turn },
    ];
    const kept = iceServersFrom(given);
    assert.deepEqual(kept, [
      { url: 'stun:stun.example.org' },
      { url: 'turn:10.0.0.1:3478?transport=tcp', ...turn },
      { urls: ['turn:[2001:db8::1]:3478', 'turns:turn.example.org:443?transport=tcp'], ...turn },
    ]);
    assert.deepEqual(kept.map(toIceServer), [
      { urls: 'stun:stun.example.org' },
      { urls: 'turn:10.0.0.1:3478?transport=tcp', ...turn },
      { urls: ['turn:[2001:db8::1]:3478', 'turns:turn.example.org:443?transport=tcp'], ...turn },
    ]);
  });

  it('that a browser would refuse are refused, with number and reason', () => {
    const refused: [unknown, RegExp][] = [
      [{}, /must be array/],
      [[5], /server 0 must be object/],
      [[{ url: 'stun:ok' }, {}], /server 1 must have either url or urls/],
      [[{ url: 'stun:a', urls: ['stun:b'] }], /not both/],
      [[{ url: 'http://stun.example.org' }], /url must match pattern/],
      [[{ url: 'stun:host?transport=udp' }], /url must match/],
      [[{ url: 'stun:two words' }], /url must match/],
      [[{ urls: [] }], /urls/],
      [[{ url: 'turn:host:3478' }], /needs username and credential/],
      [[{ url: 'turn:host:70000', ...turn }], /port/],
      [[{ url: 'turn:host:0', ...turn }], /port/],
      [Array.from({ length: 17 }, () => ({ url: 'stun:a' })), /16/],
    ];
    for (const [given, why] of refused) {
      assert.throws(
        () => iceServersFrom(given),
        (error) => error instanceof IceServerError && why.test(error.message),
        JSON.stringify(given),
      );
    }
  });

  it('are an option of masters, in JSON', () => {
    assert.deepEqual(readIceServers('[{"urls":"stun:a:1"}]'), [{ urls: 'stun:a:1' }]);
    assert.throws(() => readIceServers('stun:a'), /InvalidIceServers|JSON/);
    assert.throws(() => readIceServers('[{"urls":"turn:a"}]'), /username and credential.*Give a JSON array/);
  });
});
