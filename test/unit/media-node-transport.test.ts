import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import type { types } from 'mediasoup';
import { MediaTransport } from '../../src/server/media-node/transport.ts';
import { FakeMedia } from '../fixtures/media-node/fake-media.ts';

interface Made {
  readonly transport: MediaTransport;
  readonly fake: FakeMedia;
  /** The listener's calls, in order. */
  readonly heard: string[];
  readonly become: (iceState: string, dtlsState?: string) => void;
}

function make(): Made {
  const fake = new FakeMedia();
  const heard: string[] = [];
  const transport = new MediaTransport(fake as unknown as types.WebRtcTransport, {
    changed: (state) => heard.push(state),
    ready: () => heard.push('ready'),
  });
  const become = (iceState: string, dtlsState = 'connected'): void => {
    Object.assign(fake, { iceState, dtlsState });
    fake.emit('dtlsstatechange');
  };
  return { transport, fake, heard, become };
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

test('a transport is ready for viewers when mediasoup has an estimate of what it can carry, soon after it is connected', () => {
  const { transport, heard, become } = make();
  become('connected');
  mock.timers.tick(29);
  assert.deepEqual([transport.isReady, heard], [false, ['connected']]);
  mock.timers.tick(1);
  assert.deepEqual([transport.isReady, heard], [true, ['connected', 'ready']]);
});

test('a transport that has lost its path has its estimate when it finds another', () => {
  const { transport, heard, become } = make();
  become('connected');
  mock.timers.tick(30);
  become('disconnected');
  assert.equal(transport.isReady, false);
  become('connected');
  assert.deepEqual([transport.isReady, heard.slice(2)], [true, ['disconnected', 'connected', 'ready']]);
});

test('a transport that loses its path at once is ready when it has one again', () => {
  const { transport, heard, become } = make();
  become('connected');
  become('disconnected');
  mock.timers.tick(30);
  assert.deepEqual([transport.isReady, heard], [false, ['connected', 'disconnected']]);
  become('connected');
  assert.deepEqual([transport.isReady, heard.slice(2)], [true, ['connected', 'ready']]);
});

test('a transport that is closed is never ready', () => {
  const { fake, heard, become } = make();
  become('connected');
  fake.close();
  mock.timers.tick(1_000);
  assert.deepEqual(heard, ['connected']);
});
