import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errors, type types } from 'mediasoup';
import type { types as clientTypes } from 'mediasoup-client';
import type { Epoch, SessionId, UniqueSessionId } from '../../src/protocol/ids.ts';
import { Room } from '../../src/server/media-node/room.ts';
import type { InstanceId } from '../../src/server/shared/identity.ts';
import { FakeMedia } from '../fixtures/media-node/fake-media.ts';
import { production, view } from '../fixtures/media-node/harness.ts';
import { transportData } from '../fixtures/media-node/master.ts';
import { until } from '../fixtures/media-node/until.ts';

const rtpCapabilities: clientTypes.RtpCapabilities = { codecs: [] };
const up = { key: 'up', appData: transportData('con_a', 'send') };
const down = { key: 'down', appData: transportData('con_b', 'recv') };

function makeRoom(commandMs = 1_000) {
  const router = new FakeMedia();
  const news: unknown[] = [];
  const lost: Room[] = [];
  const room = new Room({
    fence: {
      sessionId: 'r' as SessionId,
      uniqueSessionId: 'r_1' as UniqueSessionId,
      epoch: 1 as Epoch,
      owner: 'master-1@a' as InstanceId,
    },
    worker: {
      pid: 1,
      webRtcServer: {} as types.WebRtcServer,
      createRouter: async () => router as unknown as types.Router,
    },
    commandMs,
    tell: (name, data) => news.push([name, data]),
    lost: (which) => lost.push(which),
  });
  const transport = async (params: typeof up): Promise<FakeMedia> => {
    const fake = new FakeMedia();
    const asked = room.createTransport(params);
    (await router.called()).answer(fake);
    await asked;
    return fake;
  };
  return { room, router, news, lost, transport };
}

describe('Room', () => {
  it('drops a command for a producer that arrives after a later one', async () => {
    const { room, transport } = makeRoom();
    const sender = await transport(up);
    const producing = room.produce(production('audio'));
    const fake = Object.assign(new FakeMedia('audio'), { pause: async () => {}, resume: async () => {} });
    (await sender.called()).answer(fake);
    await producing;
    await room.setProducerPaused({ key: 'audio', paused: false, order: 2 });
    await room.setProducerPaused({ key: 'audio', paused: true, order: 1 });
    const paused = async (): Promise<unknown> => (await room.inventory()).producers[0]?.paused;
    assert.equal(await paused(), false);
    room.claim({ epoch: 2 as Epoch, owner: 'master-2@b' as InstanceId } as Parameters<typeof room.claim>[0]);
    await room.setProducerPaused({ key: 'audio', paused: true, order: 1 });
    assert.equal(await paused(), true, 'another owner has its own numbers');
  });

  it("shows a new owner the pending objects of the former owner's commands", async () => {
    const { room, transport } = makeRoom();
    const sender = await transport(up);
    const producing = room.produce(production('video'));
    const call = await sender.called();
    const inventory = room.inventory();
    call.answer(new FakeMedia('video'));
    await producing;
    assert.deepEqual(
      (await inventory).producers.map(({ key }) => key),
      ['video'],
    );
  });

  it('starts video paused, and audio not', async () => {
    const { room, transport } = makeRoom();
    const [sender, receiver] = [await transport(up), await transport(down)];
    for (const kind of ['audio', 'video'] as const) {
      const producing = room.produce(production(kind));
      (await sender.called()).answer(new FakeMedia(kind));
      await producing;
      const consuming = room.consume({ ...view(rtpCapabilities), key: kind, producer: kind });
      const { options, answer } = await receiver.called();
      assert.deepEqual(options, { producerId: 'id', rtpCapabilities, paused: kind === 'video' });
      answer(new FakeMedia(kind));
      await consuming;
    }
  });

  it('closes an object that is completed after its transport has closed', async () => {
    const { room, transport } = makeRoom();
    const [sender, receiver] = [await transport(up), await transport(down)];
    const producing = room.produce(production('video'));
    (await sender.called()).answer(new FakeMedia('video'));
    await producing;

    const [producer, consumer] = [new FakeMedia('audio'), new FakeMedia('video')];
    const tooLate = [room.produce(production('audio')), room.consume(view(rtpCapabilities))];
    const calls = [await sender.called(), await receiver.called()];
    room.closeProducer({ key: 'video' });
    room.closeTransport({ key: 'up' });
    await until('the transport is closed', () => sender.closed);
    calls[0]?.answer(producer);
    calls[1]?.answer(consumer);
    for (const late of tooLate) await assert.rejects(late, { code: 'UNAVAILABLE' });
    assert.ok(producer.closed && consumer.closed);
    assert.deepEqual(room.size, { transports: 1, producers: 0, consumers: 0 });
  });

  it('ends a consumer with its producer, without waiting for the worker', async () => {
    const { room, transport } = makeRoom();
    const [sender, receiver] = [await transport(up), await transport(down)];
    const producer = new FakeMedia('video');
    const producing = room.produce(production('video'));
    (await sender.called()).answer(producer);
    await producing;
    for (const key of ['left', 'stays']) {
      const consuming = room.consume({ ...view(rtpCapabilities), key });
      (await receiver.called()).answer(new FakeMedia('video'));
      await consuming;
    }
    const listeners = producer.observer.listenerCount('close');
    room.closeConsumer({ key: 'left' });
    await until('the other one remains', () => room.size.consumers === 1);
    assert.equal(producer.observer.listenerCount('close'), listeners - 1);
    producer.close();
    assert.equal(room.size.consumers, 0);
  });

  it('closes an object that is completed after the room has closed', async () => {
    const { room, router } = makeRoom();
    const asked = room.createTransport(up);
    const call = await router.called();
    room.close();
    const late = new FakeMedia();
    call.answer(late);
    await assert.rejects(asked, { code: 'SESSION_UNKNOWN' });
    assert.ok(late.closed);
  });

  it('does not wait forever, and accepts a late answer', async () => {
    const { room, router } = makeRoom(20);
    await assert.rejects(room.createTransport(up), { code: 'UNAVAILABLE' });
    (await router.called()).answer(new FakeMedia());
    await room.createTransport(up);
    assert.equal(room.size.transports, 1);
  });

  it('can repeat a failed connect, but not connect a connected transport with other parameters', async () => {
    const { room, transport } = makeRoom();
    const sender = await transport(up);
    const parameters = (value: string) => ({ key: 'up', dtlsParameters: { fingerprints: [{ algorithm, value }] } });
    const algorithm = 'sha-256' as const;
    const failing = room.connectTransport(parameters('A'));
    (await sender.called()).fail(new TypeError('bad'));
    await assert.rejects(failing, { code: 'MEDIA_REFUSED', detail: 'bad' });
    const connecting = [room.connectTransport(parameters('B')), room.connectTransport(parameters('B'))];
    (await sender.called()).answer(undefined);
    await Promise.all(connecting);
    await assert.rejects(room.connectTransport(parameters('C')), { code: 'MEDIA_REFUSED' });
  });

  it('reports ICE and DTLS as one state, each change once', async () => {
    const { news, transport } = makeRoom();
    const sender = await transport(up);
    const change = (iceState: string, dtlsState: string): void => {
      Object.assign(sender, { iceState, dtlsState });
      sender.emit('icestatechange');
      sender.emit('dtlsstatechange');
    };
    change('connected', 'connecting');
    change('connected', 'connected');
    change('completed', 'connected');
    change('disconnected', 'connected');
    change('connected', 'connected');
    change('connected', 'closed');
    const told = (state: string) => [
      'transportState',
      { uniqueSessionId: 'r_1', key: 'up', connectionId: 'con_a', state },
    ];
    assert.deepEqual(news, ['connected', 'disconnected', 'connected', 'failed'].map(told));
  });

  it('is lost with its worker, and reports this from then on', async () => {
    const { room, router, lost, transport } = makeRoom();
    await transport(up);
    const asked = room.createTransport(down);
    const call = await router.called();
    router.emit('workerclose');
    assert.deepEqual(lost, [room]);
    room.close();
    call.fail(new errors.WorkerClosedError('gone'));
    await assert.rejects(asked, { code: 'SESSION_UNKNOWN' });
  });
});
