import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamManager } from '../../src/client/media/stream-manager.ts';
import { Connection } from '../../src/client/session/connection.ts';
import type { Session } from '../../src/client/session/session.ts';
import { Stream } from '../../src/client/session/stream.ts';
import type { ConnectionInfo, StreamInfo } from '../../src/protocol/model.ts';

test('a publisher’s stream exists before it is published, and stays the same object', () => {
  const stream = Stream.unpublished({
    hasAudio: true,
    hasVideo: true,
    audioActive: true,
    videoActive: false,
    typeOfVideo: 'CAMERA',
  });
  assert.equal(stream.streamId, '');
  assert.equal(stream.creationTime, 0);
  assert.equal(stream.connection, undefined);
  assert.equal(stream.videoActive, false);
  assert.deepEqual(stream.videoDimensions, { width: 0, height: 0 });
  stream.update({
    streamId: 'str_CAM_abcd_con_1',
    createdAt: 5,
    videoDimensions: { width: 640, height: 480 },
  } as Partial<StreamInfo>);
  assert.equal(stream.streamId, 'str_CAM_abcd_con_1');
  assert.equal(stream.creationTime, 5);
  assert.equal(stream.typeOfVideo, 'CAMERA');
  assert.deepEqual(stream.videoDimensions, { width: 640, height: 480 });
});

test('a connection returns its former network quality', () => {
  const connection = new Connection({ connectionId: 'con_1', streams: [] } as object as ConnectionInfo, {} as Session);
  assert.equal(connection.networkQuality, 0);
  assert.equal(connection.setNetworkQuality(4), 0);
  assert.equal(connection.setNetworkQuality(2), 4);
  assert.equal(connection.networkQuality, 2);
});

test('the last manager of a stream is known after its end', () => {
  const stream = new Stream({ streamId: 'str_1' } as StreamInfo);
  assert.equal(stream.streamManager, undefined);
  const manager = { shownStream: {} } as StreamManager;
  stream.managedBy(manager);
  assert.equal(stream.manager, manager);
  stream.managedBy(undefined);
  assert.equal(stream.manager, undefined);
  assert.equal(stream.streamManager, manager);
  assert.equal(stream.getMediaStream(), manager.shownStream);
});

test('a locally muted stream reads as muted, and its publisher’s changes still count', () => {
  const stream = new Stream({ streamId: 'str_1', audioActive: true, videoActive: false } as StreamInfo);
  stream.setShown('audio', false);
  assert.equal(stream.audioActive, false);
  assert.equal(stream.info.audioActive, true);
  assert.equal(stream.setActive('audio', false), true);
  assert.equal(stream.setActive('audio', true), true);
  assert.equal(stream.audioActive, true);
  stream.setShown('video', true);
  assert.equal(stream.videoActive, false, 'its publisher does not send it');
});
