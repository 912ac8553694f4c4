import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Asker } from '../fixtures/cluster/asker.ts';
import { RunningCluster } from '../fixtures/cluster/running-cluster.ts';
import { Bystanders, PRIVATE, Processes } from '../fixtures/fuzz/bystander.ts';
import { hold } from '../fixtures/fuzz/hold.ts';
import { faultOf, type Known, requestsTo, send } from '../fixtures/fuzz/rest-request.ts';
import { seeds } from '../fixtures/random.ts';
import { ApiDocument } from '../fixtures/rest/api-document.ts';

/** Number of requests to each operation. */
const RUNS = 60;
const ROOM = 'fuzzed';

let running: RunningCluster;
let document: ApiDocument;
before(async () => {
  running = await RunningCluster.start();
  document = await ApiDocument.of(running.url);
});
after(() => running.stop());

for (const seed of seeds(1)) {
  test(`the REST API answers any request as documented and harms nobody: SEED=${seed}`, async () => {
    const processes = new Processes(running);
    const bystanders = await Bystanders.in(running);
    const authorization = `Basic ${Buffer.from(`OPENVIDUAPP:${running.cluster.secret}`).toString('base64')}`;
    const statuses = new Map<number, number>();
    for (const operation of document.operations) {
      await running.rest('POST', '/sessions', { customSessionId: ROOM });
      const member = await Asker.join(running, ROOM);
      const streamId = await member.publish();
      const known: Known = {
        sessionId: [ROOM, ROOM, 'none'],
        connectionId: [member.id, 'con_none'],
        streamId: [streamId, 'str_none'],
      };
      await hold(
        fc.asyncProperty(
          requestsTo(operation, known, authorization),
          fc.constantFrom('master-1', 'master-2', 'balancer-1'),
          async (request, node) => {
            const answer = await send(running.node(node).url, request);
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            assert.equal(faultOf(document, request, answer), undefined);
            assert.ok(operation.id === 'listSessions' || !answer.text.includes(PRIVATE), 'private data has leaked');
          },
        ),
        seed,
        RUNS,
      );
      await member.leave();
    }
    await bystanders.unharmed();
    await processes.unharmed();
    // Proves that not all requests were refused early.
    for (const status of [200, 204, 400, 401, 404, 501]) assert.ok(statuses.has(status), `${status} ${[...statuses]}`);
  });
}

test('unknown paths', async () => {
  const processes = new Processes(running);
  /** An invalid path may be refused before its lookup. */
  const paths: [404 | 400, string][] = [
    [400, '/sessions/%zz'],
    [400, '/sessions/%'],
    [400, '/sessions/%ff'],
    [404, '/sessions/%00'],
    [404, '/sessions/..%2f..%2fetc'],
    [404, '//sessions'],
    [404, '/'],
    [404, '/sessions/'],
    [404, '/sessions/a/b/c/d'],
    [404, `/sessions/${'x'.repeat(8_000)}`],
  ];
  for (const node of ['master-1', 'balancer-1']) {
    for (const [status, path] of paths) {
      const { json, text, ...answer } = await running.rest('GET', path, undefined, { base: running.node(node).url });
      assert.ok(answer.status === 400 || answer.status === status, `${node} ${path}: ${answer.status} ${text}`);
      assert.deepEqual(
        Object.keys(json).sort(),
        ['error', 'message', 'path', 'status', 'timestamp'],
        `${node} ${path} ${text}`,
      );
    }
  }
  await processes.unharmed();
});
