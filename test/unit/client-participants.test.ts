import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Participants, type ParticipantsEvents } from '../../src/client/session/participants.ts';
import type { Session } from '../../src/client/session/session.ts';
import type { ConnectionInfo, StreamInfo } from '../../src/protocol/model.ts';

function connection(
  id: string,
  more: { replaces?: string[]; awaitedStreams?: string[]; presence?: 'here' | 'away'; streams?: StreamInfo[] } = {},
) {
  const { presence = 'here', streams = [] } = more;
  const info = { connectionId: id, createdAt: 1, role: 'PUBLISHER', data: '', ...more, presence, streams };
  return info as object as ConnectionInfo;
}

function stream(id: string, connectionId: string, more: Partial<StreamInfo> = {}): StreamInfo {
  const has = { hasAudio: true, hasVideo: true, audioActive: true, videoActive: true };
  return { streamId: id, connectionId, createdAt: 1, ...has, ...more } as StreamInfo;
}

function watched(saw: (told: string) => void = () => {}): { participants: Participants; seen: string[] } {
  const seen: string[] = [];
  const events: ParticipantsEvents = {
    connectionCreated: ({ connectionId }) => {
      seen.push(`+${connectionId}`);
      saw(`+${connectionId}`);
    },
    connectionDestroyed: ({ connectionId }, reason) => seen.push(`-${connectionId} ${reason}`),
    streamCreated: ({ streamId }) => {
      seen.push(`+${streamId}`);
      saw(`+${streamId}`);
    },
    streamRenewed: ({ streamId }) => seen.push(`again ${streamId}`),
    streamRerouted: ({ streamId, renewal }) => seen.push(`${streamId} by ${renewal}`),
    streamDestroyed: ({ streamId }, reason) => seen.push(`-${streamId} ${reason}`),
    presenceChanged: ({ connectionId }, presence) => seen.push(`${connectionId} ${presence}`),
    streamChanged: ({ streamId }, { changedProperty, newValue, reason }) =>
      seen.push(`${streamId} ${changedProperty} ${JSON.stringify(newValue)} ${reason}`),
  };
  const participants = new Participants(events, {} as Session);
  return { participants, seen };
}

const take = (seen: string[]): string[] => seen.splice(0);

test('after a crash, participants return as the same objects under new ids', () => {
  const { participants, seen } = watched();
  participants.addAll([connection('a1', { streams: [stream('v_a1', 'a1')] }), connection('b1')]);
  const before = participants.connection('a1' as never);
  take(seen);
  participants.lose();
  participants.addAll([
    connection('a2', {
      replaces: ['a1'],
      streams: [stream('v_a2', 'a2', { audioActive: false })],
    }),
  ]);
  // Changes from the meantime are announced.
  assert.deepEqual(take(seen), ['again v_a2', 'v_a2 audioActive false publishAudio']);
  assert.equal(participants.connection('a2' as never), before);
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), ['-b1 nodeCrashed']);
});

test('all participants are known before the first announcement', () => {
  const seen: unknown[] = [];
  const { participants } = watched((told) => {
    const others = [...participants.connections().values()];
    seen.push([told, others.map(({ connectionId, stream }) => [connectionId, stream?.streamId])]);
  });
  const infos = [connection('a1', { streams: [stream('v_a1', 'a1')] }), connection('b1')];
  participants.addAll(infos, () => seen.push(['own', participants.connections().size]));
  const all = [
    ['a1', 'v_a1'],
    ['b1', undefined],
  ];
  assert.deepEqual(seen, [
    ['own', 2],
    ['+a1', all],
    ['+b1', all],
    ['+v_a1', all],
  ]);
  participants.lose();
  assert.equal(participants.connections().size, 2, 'they may come back');
});

test('a stream that may come back ends once if its publisher leaves', () => {
  const { participants, seen } = watched();
  participants.addAll([connection('a1', { streams: [stream('v_a1', 'a1')] })]);
  participants.reconcile([connection('a1')], true);
  take(seen);
  participants.remove('a1' as never, 'disconnect');
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), ['-v_a1 disconnect', '-a1 disconnect']);
});

test('a stream over another transport is received again, once, whether by event or by snapshot', () => {
  const { participants, seen } = watched();
  participants.addAll([connection('a1', { streams: [stream('v_a1', 'a1')] })]);
  take(seen);
  participants.reroute('v_a1' as never, 1);
  participants.reroute('v_a1' as never, 1);
  assert.deepEqual(take(seen), ['v_a1 by 1']);
  participants.reconcile([connection('a1', { streams: [stream('v_a1', 'a1', { renewal: 1 })] })], false);
  assert.deepEqual(take(seen), []);
  participants.reconcile([connection('a1', { streams: [stream('v_a1', 'a1', { renewal: 2 })] })], false);
  assert.deepEqual(take(seen), ['v_a1 by 2']);
});

test('a client that missed a life recognises the others by an earlier one', () => {
  const { participants, seen } = watched();
  participants.addAll([connection('a1', { streams: [stream('v_a1', 'a1'), stream('w_a1', 'a1')] })]);
  const before = participants.connection('a1' as never);
  take(seen);
  participants.lose();
  const streams = [stream('w_a3', 'a3'), stream('x_a3', 'a3')];
  participants.addAll([connection('a3', { replaces: ['a2', 'a1'], streams })]);
  assert.equal(participants.connection('a3' as never), before);
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), ['again w_a3', '+x_a3', '-v_a1 nodeCrashed']);
});

test('a client that was away too long finds the others unchanged, under their former ids', () => {
  const { participants, seen } = watched();
  participants.addAll([
    // This participant was in an earlier life, too.
    connection('a2', { replaces: ['a1'], streams: [stream('v_a2', 'a2')] }),
    connection('b1', { streams: [stream('v_b1', 'b1')] }),
    connection('c1'),
  ]);
  const before = participants.connection('a2' as never);
  take(seen);
  participants.lose();
  participants.addAll([
    connection('a2', {
      replaces: ['a1'],
      presence: 'away',
      streams: [stream('v_a2', 'a2', { videoActive: false })],
    }),
    connection('b1'),
    connection('d1'),
  ]);
  participants.forgetMissing('networkDisconnect');
  assert.deepEqual(take(seen), [
    'a2 away',
    '+d1',
    'again v_a2',
    'v_a2 videoActive false publishVideo',
    '-v_b1 networkDisconnect',
    '-c1 networkDisconnect',
  ]);
  assert.equal(participants.connection('a2' as never), before);
});

test('a remote video changes its size: announced with the former size, and found in a snapshot after a missed event', () => {
  const { participants, seen } = watched();
  const videoDimensions = { width: 640, height: 480 };
  const screen = stream('s_a1', 'a1', { videoDimensions, typeOfVideo: 'SCREEN' });
  const camera = stream('v_a1', 'a1', { videoDimensions, typeOfVideo: 'CAMERA' });
  participants.addAll([connection('a1', { streams: [screen, camera] })]);
  take(seen);
  const turned = { width: 480, height: 640 };
  participants.change('v_a1' as never, { property: 'videoDimensions', value: turned, reason: 'deviceRotated' });
  assert.deepEqual(participants.stream('v_a1' as never)?.videoDimensions, turned);
  participants.change('v_a1' as never, { property: 'audioTrack', value: { label: 'Mic' }, reason: 'trackReplaced' });
  assert.deepEqual(take(seen), [
    `v_a1 videoDimensions ${JSON.stringify(turned)} deviceRotated`,
    'v_a1 audioTrack {"label":"Mic"} trackReplaced',
  ]);
  // The owner crashed before it could send the event.
  const resized = { width: 800, height: 480 };
  participants.reconcile(
    [
      connection('a1', {
        streams: [
          { ...screen, videoDimensions: resized },
          { ...camera, videoDimensions },
        ],
      }),
    ],
    false,
  );
  assert.deepEqual(take(seen), [
    `s_a1 videoDimensions ${JSON.stringify(resized)} screenResized`,
    `v_a1 videoDimensions ${JSON.stringify(videoDimensions)} deviceRotated`,
  ]);
  participants.lose();
  const back = { ...stream('v_a2', 'a2', { videoDimensions: resized, typeOfVideo: 'CAMERA' }) };
  participants.addAll([connection('a2', { replaces: ['a1'], streams: [back] })]);
  assert.deepEqual(take(seen), ['again v_a2', `v_a2 videoDimensions ${JSON.stringify(resized)} trackReplaced`]);
});

const [CAM, SCR] = ['str_CAM_aaaa_', 'str_SCR_bbbb_'];

/** The state after a crash, before which `a1` sent a camera and a screen. */
function afterCrash() {
  const room = watched();
  room.participants.addAll([connection('a1', { streams: [stream(`${CAM}a1`, 'a1'), stream(`${SCR}a1`, 'a1')] })]);
  take(room.seen);
  room.participants.lose();
  return room;
}

test('a returned participant lists its streams: others end at once, and the listed ones are awaited', () => {
  const { participants, seen } = afterCrash();
  participants.addAll([connection('a2', { replaces: ['a1'], awaitedStreams: ['aaaa'] })]);
  assert.deepEqual(take(seen), [`-${SCR}a1 unpublish`]);
  participants.addStream(stream(`${CAM}a2`, 'a2'));
  assert.deepEqual(take(seen), [`again ${CAM}a2`]);
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), []);
});

test('an awaited stream that does not come ends at its publisher’s request, by its would-be id', () => {
  const { participants, seen } = afterCrash();
  participants.addAll([
    connection('a2', { replaces: ['a1'], awaitedStreams: ['bbbb'], streams: [stream(`${CAM}a2`, 'a2')] }),
  ]);
  assert.deepEqual(take(seen), [`again ${CAM}a2`]);
  participants.removeStream(`${SCR}a2` as never, 'unpublish');
  assert.deepEqual(take(seen), [`-${SCR}a1 unpublish`]);
});

test('a stream that comes back as another kind replaces what it was', () => {
  const { participants, seen } = afterCrash();
  participants.addAll([connection('a2', { replaces: ['a1'], awaitedStreams: ['aaaa', 'bbbb'] })]);
  participants.addStream(stream('str_MIC_aaaa_a2', 'a2'));
  assert.deepEqual(take(seen), ['+str_MIC_aaaa_a2', `-${CAM}a1 unpublish`]);
});

test('a participant without a list is awaited, even after one with a list', () => {
  const { participants, seen } = afterCrash();
  participants.addAll([connection('a2', { replaces: ['a1'] })]);
  assert.deepEqual(take(seen), []);
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), [`-${CAM}a1 nodeCrashed`, `-${SCR}a1 nodeCrashed`]);
});

test('a participant that said goodbye after the crash disappears at once, with all of its streams', () => {
  const { participants, seen } = afterCrash();
  participants.addAll([]);
  participants.depart([
    { connectionId: 'nobody' as never, reason: 'disconnect' },
    { connectionId: 'a1' as never, reason: 'disconnect' },
  ]);
  assert.deepEqual(take(seen), [`-${CAM}a1 disconnect`, `-${SCR}a1 disconnect`, '-a1 disconnect']);
  assert.equal(participants.connections().size, 0);
  participants.forgetMissing('nodeCrashed');
  assert.deepEqual(take(seen), []);
});

test('a stream that ends during a move of the media is not awaited', () => {
  const { participants, seen } = watched();
  participants.addAll([connection('a1', { streams: [stream(`${CAM}a1`, 'a1')] })]);
  take(seen);
  participants.reconcile([connection('a1')], true);
  participants.removeStream(`${CAM}a1` as never, 'unpublish');
  assert.deepEqual(take(seen), [`-${CAM}a1 unpublish`]);
});
