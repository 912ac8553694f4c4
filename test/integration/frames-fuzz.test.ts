import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Schema } from '../../scripts/docs/open-api.ts';
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts';
import { PROTOCOL_ERRORS, type WireError } from '../../src/protocol/errors.ts';
import { CLIENT_FRAMES } from '../../src/server/master/edge/client-frames.ts';
import { REQUESTS } from '../../src/server/master/owner/request-schemas.ts';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RawClient } from '../fixtures/cluster/raw-client.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { arbitraryOf, junk, spoiled } from '../fixtures/fuzz/arbitrary-of.ts';
import { Bystanders, PRIVATE, Processes } from '../fixtures/fuzz/bystander.ts';
import { hold } from '../fixtures/fuzz/hold.ts';
import { audioRtp, dtlsParameters, videoRtp } from '../fixtures/media-node/rtp.ts';
import { seeds } from '../fixtures/random.ts';
import { until } from '../fixtures/until.ts';

const RUNS = 40;
const FRAMES_EACH = 25;
const ROOM = 'fuzzed';

let running: RunningCluster;
before(async () => {
  // Disconnected members leave soon.
  running = await RunningCluster.start({ timing: { resumeGraceMs: 500 } });
});
after(() => running.stop());

/** A request with the next number; any other frame is sent unchanged. */
type Sent = { readonly method: string; readonly data: unknown } | { readonly frame: unknown };

const rtp = fc.constantFrom(audioRtp(), videoRtp());
/** Parameters that only mediasoup checks are not in the schemas, so this generates nearly valid ones. */
const media = {
  rtpParameters: fc.oneof(rtp, spoiled(rtp)),
  dtlsParameters: fc.oneof(fc.constant(dtlsParameters()), spoiled(fc.constant(dtlsParameters()))),
};

/** Values for a request, with some names that exist in the session. */
function dataOf(method: keyof typeof REQUESTS, names: Record<string, readonly string[]>): fc.Arbitrary<unknown> {
  const fitting = arbitraryOf(REQUESTS[method] as Schema);
  const named = fc.record(
    Object.fromEntries(Object.entries(names).map(([name, all]) => [name, fc.constantFrom(...all)])),
  );
  return fc.tuple(fitting, named, fc.record(media)).map(([data, known, { rtpParameters, dtlsParameters: dtls }]) => {
    if (typeof data !== 'object' || data === null) return data;
    const filled = Object.entries(data).map(([name, value]) => {
      if (name === 'producers' && Array.isArray(value)) return [name, value.map((one) => ({ ...one, rtpParameters }))];
      if (name === 'dtlsParameters') return [name, dtls];
      return [name, known[name] ?? value];
    });
    return Object.fromEntries(filled);
  });
}

/** A member with transports, so that its requests get far. */
async function joined(): Promise<Asker> {
  const asker = await Asker.join(running, ROOM, { role: 'PUBLISHER' });
  await asker.request('createTransport', { key: 'send', direction: 'send' });
  const { rtpCapabilities } = asker.snapshot.media;
  await asker.request('createTransport', { key: 'recv', direction: 'recv', rtpCapabilities });
  return asker;
}

function frames(asker: Asker, others: readonly string[], streams: readonly string[]): fc.Arbitrary<Sent> {
  const names = {
    key: ['abcd', 'aaaa', 'send', 'recv'],
    transport: ['send', 'recv', 'aaaa'],
    connectionId: [asker.id, ...others],
    streamId: streams,
  };
  const requests = Object.keys(REQUESTS)
    // `leave` would end the membership, which is not the subject.
    .filter((method): method is keyof typeof REQUESTS => method !== 'leave')
    .map((method) => {
      const data = dataOf(method, names);
      return fc.oneof(data, spoiled(data)).map((given): Sent => ({ method, data: given }));
    });
  const others_ = Object.values(CLIENT_FRAMES).map((schema) => {
    const fitting = arbitraryOf(schema as Schema);
    return fc.oneof(fitting, spoiled(fitting)).map((frame): Sent => ({ frame }));
  });
  return fc.oneof(
    ...requests.map((arbitrary) => ({ weight: 4, arbitrary })),
    ...others_.map((arbitrary) => ({ weight: 1, arbitrary })),
    { weight: 1, arbitrary: fc.string({ maxLength: 8, unit: 'binary' }).map((method): Sent => ({ method, data: {} })) },
    { weight: 1, arbitrary: junk.map((frame): Sent => ({ frame })) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 50 }).map((frame): Sent => ({ frame })) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes): Sent => ({ frame: Buffer.from(bytes) })) },
  );
}

function isNamed({ code, message, action }: WireError): boolean {
  return code in PROTOCOL_ERRORS && code !== 'INTERNAL' && message.length > 10 && action.length > 5;
}

/** Returns whether the socket still answers, or was closed with a reason. */
async function answered(client: RawClient): Promise<'open' | 'closed'> {
  const before = client.frames.length;
  if (client.closed === undefined) client.send({ t: 'ping' });
  await until(
    'an answer',
    () => client.closed !== undefined || client.frames.slice(before).some(({ t }) => t === 'pong'),
  );
  for (const frame of client.frames) {
    if (frame.t === 'error' || frame.t === 'refused') assert.ok(isNamed(frame.error), JSON.stringify(frame));
    if (frame.t === 'res' && 'error' in frame) assert.ok(isNamed(frame.error), JSON.stringify(frame));
    assert.ok(!JSON.stringify(frame).includes(PRIVATE), 'private data has leaked');
  }
  if (client.closed === undefined) return 'open';
  assert.ok(String(client.closed.code) in CLOSE_CODES, JSON.stringify(client.closed));
  return 'closed';
}

for (const seed of seeds(1)) {
  test(`any frames of a member get named answers and harm nobody else: SEED=${seed}`, async () => {
    const processes = new Processes(running);
    const bystanders = await Bystanders.in(running);
    const honest = await Asker.join(running, ROOM);
    const streamId = await honest.publish();
    const codes = new Map<string, number>();
    let asker = await joined();
    const listed = await running.rest('GET', '/sessions/of-others/connection');
    const [theirs] = listed.json['content'] as { id: string; publishers: { streamId: string }[] }[];
    assert.ok(theirs);
    const streams = [streamId, theirs.publishers[0]?.streamId ?? ''];
    await hold(
      fc.asyncProperty(
        fc.array(frames(asker, [honest.id, theirs.id], streams), { maxLength: FRAMES_EACH }),
        async (all) => {
          for (const sent of all) {
            if (asker.client.closed) asker = await joined();
            if ('frame' in sent) {
              asker.client.send(sent.frame);
            } else {
              const id = asker.send(sent.method, sent.data);
              const isAnswered = () => asker.client.frames.some((frame) => frame.t === 'res' && frame.id === id);
              // A signal to an absent member is answered late.
              if (sent.method !== 'signal') await until('an answer', () => asker.client.closed ?? isAnswered());
            }
            await answered(asker.client);
          }
          for (const frame of asker.client.frames) {
            const code = frame.t === 'res' ? ('error' in frame ? frame.error.code : 'done') : undefined;
            if (code) codes.set(code, (codes.get(code) ?? 0) + 1);
          }
        },
      ),
      seed,
      RUNS,
    );
    await bystanders.unharmed();
    await processes.unharmed();
    assert.equal(honest.client.closed, undefined);
    await honest.publish();
    for (const code of ['done', 'PARAMS_INVALID', 'STREAM_UNKNOWN', 'NOT_PERMITTED', 'TRANSPORT_UNKNOWN']) {
      assert.ok(codes.has(code), `${code} ${[...codes]}`);
    }
  });

  test(`the media node accepts or refuses any media parameters: SEED=${seed}`, async () => {
    const processes = new Processes(running);
    const bystanders = await Bystanders.in(running);
    const codes = new Map<string, number>();
    const asker = await joined();
    const honest = await Asker.join(running, ROOM);
    const streamId = await honest.publish();
    const { rtpCapabilities } = asker.snapshot.media;
    const described = fc.oneof(
      spoiled(rtp).map((rtpParameters) => ({ rtpParameters })),
      spoiled(fc.constant(dtlsParameters())).map((dtls) => ({ dtls })),
      spoiled(fc.constant(rtpCapabilities)).map((capabilities) => ({ capabilities })),
    );
    const ask = async (method: string, data: unknown): Promise<void> => {
      const answer = await asker.answer(asker.send(method, data));
      if ('error' in answer) assert.ok(isNamed(answer.error), JSON.stringify(answer));
      const code = 'error' in answer ? answer.error.code : 'done';
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    await hold(
      fc.asyncProperty(described, fc.stringMatching(/^[a-z0-9]{4}$/), async (given, key) => {
        // A frame that is too large closes the socket; another test covers that.
        fc.pre(JSON.stringify(given).length < 30_000);
        if ('rtpParameters' in given) {
          const kind = JSON.stringify(given).includes('video/') ? 'video' : 'audio';
          const producers = [{ kind, rtpParameters: given.rtpParameters, active: true }];
          await ask('publish', { key, transport: 'send', producers });
        } else if ('dtls' in given) {
          await ask('createTransport', { key, direction: 'send' });
          await ask('connectTransport', { key, dtlsParameters: given.dtls });
        } else {
          await ask('createTransport', { key, direction: 'recv', rtpCapabilities: given.capabilities });
          await ask('subscribe', { streamId, transport: key });
        }
      }),
      seed,
      RUNS * 3,
    );
    for (const code of ['done', 'MEDIA_REFUSED', 'PARAMS_INVALID']) assert.ok(codes.has(code), `${code} ${[...codes]}`);
    await honest.publish();
    await bystanders.unharmed();
    await processes.unharmed();
    for (const one of [asker, honest]) await one.leave();
  });

  test(`any first frame gets a named answer and harms nobody: SEED=${seed}`, async () => {
    const processes = new Processes(running);
    const bystanders = await Bystanders.in(running);
    const token = await running.token('hellos');
    const hello = arbitraryOf(CLIENT_FRAMES.hello as Schema);
    const current = hello.map((frame) => ({ ...(frame as object), v: 1 }));
    const known = hello.map((frame) => {
      const given = frame as { v: number; join?: object; resume?: object };
      const tokenId = token.split('token=')[1];
      return {
        ...given,
        v: 1,
        ...(given.join ? { join: { ...given.join, sessionId: 'hellos', token: tokenId } } : {}),
        ...(given.resume ? { resume: { ...given.resume, sessionId: 'of-others' } } : {}),
      };
    });
    const codes = new Set<string>();
    await hold(
      fc.asyncProperty(
        fc.oneof(hello, current, known, spoiled(known), junk, fc.string({ unit: 'binary' })),
        async (frame) => {
          const client = new RawClient(running.socketUrl);
          await client.opened();
          client.send(frame);
          await until('an answer', () => client.closed ?? client.frames.length > 0);
          await answered(client);
          const [first] = client.frames;
          if (first) codes.add('error' in first ? first.error.code : first.t);
          client.close();
        },
      ),
      seed,
      RUNS * 3,
    );
    await bystanders.unharmed();
    await processes.unharmed();
    for (const code of ['FRAME_MALFORMED', 'HELLO_EXPECTED', 'SESSION_UNKNOWN', 'VERSION_UNSUPPORTED']) {
      assert.ok(codes.has(code), `${code} ${[...codes]}`);
    }
  });
}
