import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdvancedConfiguration } from '../../src/client/advanced-configuration.ts';

const named = [{ urls: 'turn:of.the.server' }];
const own = [{ urls: 'turn:of.the.application' }];
const other = [{ urls: 'turn:of.the.rtc.configuration' }];

test('the application’s servers override those of the server and of rtcConfiguration', () => {
  const configuration = new AdvancedConfiguration();
  assert.deepEqual(configuration.peerConnectionFor(named), { iceServers: named });
  configuration.set({ rtcConfiguration: { iceTransportPolicy: 'relay', iceServers: other } });
  assert.deepEqual(configuration.peerConnectionFor(named), { iceTransportPolicy: 'relay', iceServers: other });
  configuration.set({ iceServers: own, rtcConfiguration: { iceTransportPolicy: 'relay', iceServers: other } });
  assert.deepEqual(configuration.peerConnectionFor(named), { iceTransportPolicy: 'relay', iceServers: own });
  configuration.set({ iceServers: 'freeice' });
  assert.deepEqual(configuration.peerConnectionFor(named), { iceServers: named });
  configuration.set({ iceServers: [] });
  assert.deepEqual(configuration.peerConnectionFor(named), { iceServers: [] });
});

test('omitted options have OpenVidu’s defaults, and each call replaces all former options', () => {
  const configuration = new AdvancedConfiguration();
  const read = () => [
    configuration.speaking,
    configuration.forceMediaReconnection,
    configuration.iceDisconnectedTimeout,
    configuration.noStreamPlayingTimeout,
  ];
  const defaults = [{ interval: 100, threshold: -50 }, false, 4_000, 4_000];
  assert.deepEqual(read(), defaults);
  configuration.set({
    publisherSpeakingEventsOptions: { interval: 50 },
    forceMediaReconnectionAfterNetworkDrop: true,
    iceConnectionDisconnectedExceptionTimeout: 1,
    noStreamPlayingEventExceptionTimeout: 2,
  });
  assert.deepEqual(read(), [{ interval: 50, threshold: -50 }, true, 1, 2]);
  configuration.set({ publisherSpeakingEventsOptions: { threshold: -40 } });
  assert.deepEqual(read(), [{ interval: 100, threshold: -40 }, false, 4_000, 4_000]);
});
