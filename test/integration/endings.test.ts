import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectionEvent, SessionDisconnectedEvent } from '../../src/client/events.ts';
import type { RefusedFrame, WelcomeFrame } from '../../src/protocol/frames.ts';
import type { StreamId } from '../../src/protocol/ids.ts';
import { parseTokenUrl } from '../../src/protocol/token-url.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { cutSockets, makeSocketsCuttable } from '../fixtures/cluster/cuttable-socket.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { SdkClient } from '../fixtures/cluster/sdk-client.ts';
import { until } from '../fixtures/until.ts';

const GRACE_MS = 2_500;

let running: RunningCluster;
before(async () => {
  makeSocketsCuttable();
  running = await RunningCluster.start({
    timing: { resumeGraceMs: GRACE_MS, verdictMs: 1_500, beatMs: 300 },
  });
});
after(() => running.stop());
beforeEach(() => running.rested());

/** Reconnects only when the test demands it. */
const PATIENT = { spreadMs: 600_000 } as const;

interface Absent {
  readonly client: SdkClient;
  readonly id: string;
  tokensAsked: number;
}

/** An absent client with a token function; `others`: whether another member stays in the session. */
async function absentFrom(room: string, failover: string, others: boolean): Promise<Absent & { host: SdkClient }> {
  await running.rest('POST', '/sessions', { customSessionId: room, failover });
  const client = new SdkClient({ retry: PATIENT });
  const absent = { client, id: '', tokensAsked: 0 };
  await client.session.connect(() => {
    absent.tokensAsked += 1;
    return running.token(room);
  });
  const host = new SdkClient();
  if (others) await host.session.connect(() => running.token(room, { role: 'MODERATOR' }));
  cutSockets();
  await client.happened('reconnecting');
  if (others) await host.happened('reconnected');
  return Object.assign(absent, { id: client.session.connection.connectionId, host });
}

async function endingOf({ client }: Absent): Promise<string> {
  client.session.reconnectNow();
  const { detail } = await client.happened('sessionDisconnected');
  return (detail as SessionDisconnectedEvent).reason;
}

const graceIsOver = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, GRACE_MS + 1_500));

async function killOwner(room: string): Promise<() => Promise<void>> {
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  return () => running.restarted(owner, pid);
}

for (const others of [true, false]) {
  const company = others ? 'with others' : 'alone';
  for (const returns of ['within the grace', 'after it'] as const) {
    test(`disconnected over REST while away, ${company}, back ${returns}: gets the reason, and does not join again`, async () => {
      const room = `rest-${others}-${returns.length}`;
      const absent = await absentFrom(room, 'rebuild', others);
      const { status } = await running.rest('DELETE', `/sessions/${room}/connection/${absent.id}`);
      assert.equal(status, 204);
      if (returns === 'after it') await graceIsOver();
      assert.equal(await endingOf(absent), 'forceDisconnectByServer');
      assert.equal(absent.tokensAsked, 1);
      assert.deepEqual(absent.client.story(), ['connectionCreated', 'reconnecting', 'sessionDisconnected']);
      absent.host.session.disconnect();
    });
  }
}

for (const failover of ['takeover', 'rebuild']) {
  test(`disconnected while away, and then the owner crashes (${failover}): gets the reason from another owner`, async () => {
    const room = `crash-${failover}`;
    const absent = await absentFrom(room, failover, true);
    const { status } = await running.rest('DELETE', `/sessions/${room}/connection/${absent.id}`);
    assert.equal(status, 204);
    const before = await running.session(room);
    const restarted = await killOwner(room);
    if (failover === 'rebuild') await absent.host.happened('rebuilt');
    else await until('another owner', async () => (await running.session(room))?.epoch !== before?.epoch);
    await graceIsOver();
    assert.equal(await endingOf(absent), 'forceDisconnectByServer');
    assert.equal(absent.tokensAsked, 1);
    absent.host.session.disconnect();
    await restarted();
  });
}

test('disconnected by a moderator while away: gets this reason', async () => {
  const room = 'by-moderator';
  const absent = await absentFrom(room, 'rebuild', true);
  const other = await until('it is known', () =>
    absent.host.seen
      .flatMap(({ event, detail }) => (event === 'connectionCreated' ? (detail as ConnectionEvent).connection : []))
      .find(({ connectionId }) => connectionId === absent.id),
  );
  await absent.host.session.forceDisconnect(other);
  await graceIsOver();
  assert.equal(await endingOf(absent), 'forceDisconnectByUser');
  assert.equal(absent.tokensAsked, 1);
  absent.host.session.disconnect();
});

test('the session is closed over REST while a client is away, and created again: the client gets the reason', async () => {
  const room = 'closed';
  const absent = await absentFrom(room, 'rebuild', true);
  assert.equal((await running.rest('DELETE', `/sessions/${room}`)).status, 204);
  await running.token(room);
  await graceIsOver();
  assert.equal(await endingOf(absent), 'sessionClosedByServer');
  assert.equal(absent.tokensAsked, 1);
});

test('only a client with the resume key learns why its connection ended', async () => {
  const room = 'proof';
  const stays = await Asker.join(running, room);
  const goes = await Asker.join(running, room);
  goes.client.cut();
  assert.equal((await running.rest('DELETE', `/sessions/${room}/connection/${goes.id}`)).status, 204);
  const reasonFor = async (resumeKey: string): Promise<RefusedFrame['error']['reason']> => {
    const resume = { ...goes.welcome, resumeKey, received: 0, nextRequest: 1 };
    return (await (await RawClient.hello(running.socketUrl, { resume })).frame('refused')).error.reason;
  };
  assert.equal(await reasonFor('a key that is not its own'), 'unknown');
  assert.equal(await reasonFor(goes.welcome.resumeKey), 'forceDisconnectByServer');
  await stays.leave();
});

/** The ended streams in the welcome. */
function endedIn({ snapshot }: WelcomeFrame): [StreamId, string][] {
  return (snapshot?.endedStreams ?? []).map(({ streamId, reason }) => [streamId, reason]);
}

test('a stream is ended while its publisher is away: it learns this from another owner, and under a new connection', async () => {
  const room = 'stream';
  await running.rest('POST', '/sessions', { customSessionId: room, failover: 'takeover' });
  const stays = await Asker.join(running, room);
  const away = await Asker.join(running, room);
  const streamId = await away.publish();
  const { sessionId, uniqueSessionId, connectionId, resumeKey } = away.welcome;
  away.client.cut();
  assert.equal((await running.rest('DELETE', `/sessions/${room}/stream/${streamId}`)).status, 204);
  const restarted = await killOwner(room);
  const resume = { ...away.welcome, received: away.welcome.seq, nextRequest: 3 };
  const back = await RawClient.hello(running.socketUrl, { resume });
  assert.deepEqual(endedIn(await back.frame('welcome')), [[streamId, 'forceUnpublishByServer']]);
  back.cut();
  await until('its connection is gone', () =>
    running.rest('GET', `/sessions/${room}/connection/${connectionId}`).then(({ status }) => status === 404),
  );
  const token = parseTokenUrl(await running.token(room));
  const previous = { uniqueSessionId, connectionId, resumeKey };
  const again = await RawClient.hello(running.socketUrl, {
    join: { sessionId, token: token?.token, key: 'again', metadata: '', previous },
  });
  assert.deepEqual(endedIn(await again.frame('welcome')), [[streamId, 'forceUnpublishByServer']]);
  again.cut();
  stays.client.cut();
  await restarted();
});
