import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { types } from 'mediasoup-client';
import { mediaAddresses } from '../../src/server/media-node/media-addresses.ts';
import { SqliteStore } from '../../src/server/store/sqlite-store.ts';
import { contents, furnish, Harness, production, refused, view } from '../fixtures/media-node/harness.ts';
import { consumerData, type TestMaster, transportData } from '../fixtures/media-node/master.ts';
import { isRunning, workersOf } from '../fixtures/media-node/processes.ts';
import { audioRtp, dtlsParameters } from '../fixtures/media-node/rtp.ts';
import { rtcPorts, TIMING } from '../fixtures/media-node/settings.ts';
import { until } from '../fixtures/media-node/until.ts';

const harness = new Harness();
afterEach(() => harness.end());

describe('media node: the services of every process', () => {
  it('is ready, has metrics, is listed in the store, and refuses unsigned calls', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'media-node-'));
    const store = new SqliteStore(join(directory, 'store.db'));
    harness.onEnd(async () => {
      await store.close();
      await rm(directory, { recursive: true });
    });
    const node = await harness.mediaNode({ store });
    const { url, instance } = node.identity;
    assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    assert.equal((await fetch(`${node.clientUrl}/health`)).status, 200);
    assert.equal((await fetch(`${url}/internal/media/openRoom`, { method: 'POST' })).status, 401);
    const listed = await until('the lease', async () => (await store.listNodes())[0]);
    assert.deepEqual([listed.id, listed.instance, listed.role, listed.url], ['media-1', instance, 'media-node', url]);

    const owner = await harness.master(url);
    await furnish(owner, owner.fence('r_1'));
    await assert.rejects(owner.command(owner.fence('r_1', 0), 'inventory', {}), refused('EPOCH_STALE'));
    const facts = JSON.stringify({ workers: 1, rooms: 1, transports: 2, producers: 2, consumers: 1 });
    await until('a beat with these facts', () => owner.beats.some((beat) => JSON.stringify(beat.facts) === facts));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      'rejoin_media_rooms{node="media-1"} 1',
      'rejoin_media_consumers{node="media-1"} 1',
      'rejoin_media_commands_total{command="produce",outcome="ok",node="media-1"} 2',
      'rejoin_media_commands_total{command="inventory",outcome="EPOCH_STALE",node="media-1"} 1',
      'rejoin_media_command_seconds_count{node="media-1",command="produce"} 2',
    ]) {
      assert.ok(metrics.includes(line), `${line}\n${metrics.replace(/^(?!rejoin)(?!.*bucket).*\n/gm, '')}`);
    }

    const workers = workersOf(process.pid);
    assert.equal(workers.length, 1);
    await node.close();
    assert.deepEqual(workers.filter(isRunning), []);
    assert.deepEqual(await store.listNodes(), []);
  });

  it('drains: accepts no more rooms, reports this, and waits for its present rooms', async () => {
    const node = await harness.mediaNode();
    const owner = await harness.master(node.identity.url);
    await owner.command(owner.fence('r_1'), 'openRoom', {});
    let drained = false;
    const draining = node.drain(5_000).then(() => {
      drained = true;
    });
    await until('a beat that is not ready', () => owner.beats.some(({ ready }) => !ready));
    assert.equal((await fetch(`${node.clientUrl}/health`)).status, 503);
    await assert.rejects(owner.command(owner.fence('q_1'), 'openRoom', {}), refused('UNAVAILABLE'));
    await owner.command(owner.fence('r_1'), 'openRoom', {});
    assert.equal(drained, false);
    await owner.command(owner.fence('r_1'), 'closeRoom', {});
    await draining;
  });

  it('ends its drain at the deadline', async () => {
    const node = await harness.mediaNode();
    const owner = await harness.master(node.identity.url);
    await owner.command(owner.fence('r_1'), 'openRoom', {});
    await node.drain(50);
  });

  it('spreads rooms over its workers, which have the same capabilities', async () => {
    // Ignore the load, which the other tests influence.
    const timing = { ...TIMING, beatMs: 60_000 };
    const node = await harness.mediaNode({ workers: 2, rtcPorts: rtcPorts(2), timing });
    const owner = harness.silentMaster(node.identity.url);
    const ports: (number | undefined)[] = [];
    const capabilities = new Set<string>();
    for (const room of ['a_1', 'b_1', 'c_1', 'd_1']) {
      const { rtpCapabilities } = await owner.command(owner.fence(room), 'openRoom', {});
      capabilities.add(JSON.stringify(rtpCapabilities));
      const params = { key: 'up', appData: transportData('con_a') };
      const { iceCandidates } = await owner.command(owner.fence(room), 'createTransport', params);
      ports.push(iceCandidates[0]?.port);
    }
    assert.equal(capabilities.size, 1);
    assert.deepEqual([...ports].sort(), [ports[0], ports[0], ports[1], ports[1]].sort());
    assert.notEqual(ports[0], ports[1]);
  });
});

describe('media node: addresses', () => {
  it('offers loopback first, and every address of its machine, over UDP and then over TCP', async () => {
    const owner = await harness.master((await harness.mediaNode()).identity.url);
    const { used } = await mediaAddresses(true);
    const ips = used.map(({ ip }) => ip);
    assert.equal(ips[0], '127.0.0.1');
    assert.deepEqual(await offeredBy(owner), ips);
  });

  it('offers only the configured address', async () => {
    const options = { listenIp: '127.0.0.1', announcedAddress: '203.0.113.7' };
    const owner = await harness.master((await harness.mediaNode(options)).identity.url);
    assert.deepEqual(await offeredBy(owner), ['203.0.113.7']);
  });

  /** Addresses of the candidates, the same for both protocols. */
  async function offeredBy(owner: TestMaster): Promise<string[]> {
    const fence = owner.fence('r_1');
    await owner.command(fence, 'openRoom', {});
    const { iceCandidates } = await owner.command(fence, 'createTransport', {
      key: 'up',
      appData: transportData('con_a'),
    });
    const over = (protocol: string): string[] =>
      iceCandidates.filter((one) => one.protocol === protocol).map(({ address }) => address);
    const sorted = iceCandidates.toSorted((one, other) => other.priority - one.priority);
    assert.deepEqual(sorted, iceCandidates, 'the priorities decrease');
    assert.deepEqual(over('udp'), over('tcp'));
    return over('udp');
  }
});

describe('media node: commands', () => {
  it('makes one object for a key, even after repeated and simultaneous commands', async () => {
    const owner = await harness.master((await harness.mediaNode({ listenIp: '127.0.0.1' })).identity.url);
    const fence = owner.fence('r_1');
    const ten = <T>(ask: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 10 }, ask));
    const rooms = await ten(() => owner.command(fence, 'openRoom', {}));
    const transports = await ten(() =>
      owner.command(fence, 'createTransport', { key: 'up', appData: transportData('con_a') }),
    );
    assert.equal(new Set(transports.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      transports[0]?.iceCandidates.map(({ protocol }) => protocol),
      ['udp', 'tcp'],
    );

    const same = dtlsParameters();
    await ten(() => owner.command(fence, 'connectTransport', { key: 'up', dtlsParameters: same }));
    await owner.command(fence, 'connectTransport', { key: 'up', dtlsParameters: same });
    const others = { key: 'up', dtlsParameters: dtlsParameters() };
    await assert.rejects(owner.command(fence, 'connectTransport', others), refused('MEDIA_REFUSED'));

    const camera = production('video');
    await ten(() => owner.command(fence, 'produce', camera));
    await owner.command(fence, 'createTransport', { key: 'down', appData: transportData('con_b', 'recv') });
    const asked = view(rooms[0]?.rtpCapabilities as types.RtpCapabilities);
    const views = await ten(() => owner.command(fence, 'consume', asked));
    assert.equal(new Set(views.map(({ id }) => id)).size, 1);
    assert.equal(await contents(owner, fence), 'down,up | video | view');

    const [first, second] = [await restart(), await restart()];
    assert.notEqual(first.usernameFragment, second.usernameFragment);
    async function restart(): Promise<{ usernameFragment: string }> {
      return (await owner.command(fence, 'restartIce', { key: 'up' })).iceParameters;
    }
  });

  it('separates the rooms of different sessions, and closes one without the other', async () => {
    const owner = await harness.master((await harness.mediaNode()).identity.url);
    await furnish(owner, owner.fence('a_1'));
    await furnish(owner, owner.fence('b_1'));
    await owner.command(owner.fence('a_1'), 'closeRoom', {});
    await owner.command(owner.fence('a_1'), 'closeRoom', {});
    await assert.rejects(owner.command(owner.fence('a_1'), 'inventory', {}), refused('SESSION_UNKNOWN'));
    assert.equal(await contents(owner, owner.fence('b_1')), 'down,up | audio,video | view');
    await owner.command(owner.fence('a_1'), 'openRoom', {});
    assert.equal(await contents(owner, owner.fence('a_1')), ' |  | ');
    assert.deepEqual(owner.news, []);
  });

  it('drops objects whose parents end', async () => {
    const owner = await harness.master((await harness.mediaNode()).identity.url);
    const fence = owner.fence('r_1');
    const rtpCapabilities = await furnish(owner, fence);
    assert.equal(await contents(owner, fence), 'down,up | audio,video | view');

    await owner.command(fence, 'closeProducer', { key: 'video' });
    await assert.rejects(owner.command(fence, 'resumeConsumer', { key: 'view' }), refused('STREAM_UNKNOWN'));
    assert.equal(await contents(owner, fence), 'down,up | audio | ');
    await assert.rejects(owner.command(fence, 'consume', view(rtpCapabilities)), refused('STREAM_UNKNOWN'));

    await owner.command(fence, 'produce', production('video'));
    await owner.command(fence, 'consume', view(rtpCapabilities));
    await owner.command(fence, 'closeTransport', { key: 'down' });
    assert.equal(await contents(owner, fence), 'up | audio,video | ');
    await owner.command(fence, 'closeTransport', { key: 'up' });
    assert.equal(await contents(owner, fence), ' |  | ');
    for (const command of ['closeTransport', 'closeProducer', 'closeConsumer'] as const) {
      assert.deepEqual(await owner.command(fence, command, { key: 'never' }), {});
    }
  });

  it('resumes and closes consumers', async () => {
    const owner = await harness.master((await harness.mediaNode()).identity.url);
    const fence = owner.fence('r_1');
    const rtpCapabilities = await furnish(owner, fence);
    const appData = consumerData('con_b', 'str_1');
    const sound = { key: 'sound', transport: 'down', producer: 'audio', rtpCapabilities, appData };
    assert.equal((await owner.command(fence, 'consume', sound)).kind, 'audio');
    await owner.command(fence, 'resumeConsumer', { key: 'view' });
    await owner.command(fence, 'closeConsumer', { key: 'sound' });
    assert.equal(await contents(owner, fence), 'down,up | audio,video | view');
  });

  it('refuses nonsense with named errors, and keeps working', async () => {
    const owner = await harness.master((await harness.mediaNode()).identity.url);
    const fence = owner.fence('r_1');
    const rtpCapabilities = await furnish(owner, fence);
    const camera = { ...production('video'), key: 'other' };
    const codec = { mimeType: 'video/unheard-of', payloadType: 99, clockRate: 90_000, parameters: {} };
    const extension = { uri: 'urn:unheard-of', id: 3 };
    const opusOnly = { codecs: rtpCapabilities.codecs?.filter(({ kind }) => kind === 'audio') ?? [] };
    const cases: [string, unknown, Parameters<typeof refused>[0]][] = [
      ['fly', { fence, params: {} }, 'METHOD_UNKNOWN'],
      ['constructor', { fence, params: {} }, 'METHOD_UNKNOWN'],
      ['openRoom', {}, 'PARAMS_INVALID'],
      ['openRoom', { fence: { ...fence, epoch: 'many' }, params: {} }, 'PARAMS_INVALID'],
      ['openRoom', { fence: { ...fence, owner: undefined }, params: {} }, 'PARAMS_INVALID'],
      ['inventory', { fence: owner.fence('other_1'), params: {} }, 'SESSION_UNKNOWN'],
      ['createTransport', { fence, params: { key: 7 } }, 'PARAMS_INVALID'],
      ['connectTransport', { fence, params: { key: 'up', dtlsParameters: { fingerprints: [] } } }, 'PARAMS_INVALID'],
      ['connectTransport', { fence, params: { key: 'no', dtlsParameters: dtlsParameters() } }, 'TRANSPORT_UNKNOWN'],
      ['restartIce', { fence, params: { key: 'no' } }, 'TRANSPORT_UNKNOWN'],
      ['produce', { fence, params: { ...camera, transport: 'no' } }, 'TRANSPORT_UNKNOWN'],
      ['produce', { fence, params: { ...camera, rtpParameters: {} } }, 'PARAMS_INVALID'],
      ['produce', { fence, params: { ...camera, rtpParameters: { codecs: [codec] } } }, 'MEDIA_REFUSED'],
      ['produce', { fence, params: { ...camera, rtpParameters: { codecs: 'all' } } }, 'PARAMS_INVALID'],
      ['produce', { fence, params: { ...camera, rtpParameters: audioRtp() } }, 'MEDIA_REFUSED'],
      ['produce', { fence, params: { ...camera, kind: 'smell' } }, 'PARAMS_INVALID'],
      [
        'produce',
        { fence, params: { ...camera, rtpParameters: { ...camera.rtpParameters, headerExtensions: [extension] } } },
        'MEDIA_REFUSED',
      ],
      ['setProducerPaused', { fence, params: { key: 'no', paused: true } }, 'STREAM_UNKNOWN'],
      ['consume', { fence, params: { ...view(rtpCapabilities), key: 'other', producer: 'no' } }, 'STREAM_UNKNOWN'],
      ['consume', { fence, params: { ...view(rtpCapabilities), key: 'o', transport: 'no' } }, 'TRANSPORT_UNKNOWN'],
      ['consume', { fence, params: { ...view(opusOnly), key: 'other' } }, 'MEDIA_REFUSED'],
      [
        'consume',
        { fence, params: { ...view(rtpCapabilities), key: 'o', rtpCapabilities: { codecs: 1 } } },
        'MEDIA_REFUSED',
      ],
      ['resumeConsumer', { fence, params: { key: 'no' } }, 'STREAM_UNKNOWN'],
    ];
    for (const [command, body, code] of cases) {
      await assert.rejects(owner.post(command, body), refused(code), `${command} ${JSON.stringify(body)}`);
    }
    assert.equal(await contents(owner, fence), 'down,up | audio,video | view');
    await owner.command(fence, 'produce', camera);
    const bad = { key: 'up', dtlsParameters: { fingerprints: [{ algorithm: 'sha-256' as const, value: 'zz' }] } };
    await owner.command(fence, 'connectTransport', bad).catch(refused('MEDIA_REFUSED'));
    assert.equal(await contents(owner, fence), 'down,up | audio,other,video | view');
  });
});
