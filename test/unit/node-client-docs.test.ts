import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { codeExamples } from '../fixtures/code-examples.ts';

/** Typical use of openvidu-node-client in an application. Only the import changes. */
const APPLICATION = `
import { Connection, ConnectionType, MediaMode, OpenVidu, OpenViduRole, Publisher, RecordingMode, Session, VideoCodec } from 'PACKAGE';
import type { ConnectionProperties, SessionProperties, TokenOptions } from 'PACKAGE';

const openvidu = new OpenVidu('https://video.example.org', 'secret');
const sessions: Record<string, Session> = {};

export async function join(room: string, user: string): Promise<string> {
  const properties: SessionProperties = {
    customSessionId: room,
    mediaMode: MediaMode.ROUTED,
    recordingMode: RecordingMode.MANUAL,
    forcedVideoCodec: VideoCodec.VP8,
    allowTranscoding: false,
    mediaNode: { id: 'media_1' },
  };
  const session = await openvidu.createSession(properties);
  sessions[session.getSessionId()] = session;
  const wanted: ConnectionProperties = {
    type: ConnectionType.WEBRTC,
    role: OpenViduRole.PUBLISHER,
    data: JSON.stringify({ user }),
    record: true,
    kurentoOptions: { videoMaxRecvBandwidth: 1000, allowedFilters: [] },
    customIceServers: [{ url: 'turn:turn.example.org', username: 'u', credential: 'c' }],
  };
  const connection: Connection = await session.createConnection(wanted);
  await session.updateConnection(connection.connectionId, { role: OpenViduRole.MODERATOR, record: false });
  return connection.token;
}

export async function former(session: Session, options: TokenOptions): Promise<string> {
  return session.generateToken({ ...options, role: OpenViduRole.SUBSCRIBER });
}

export async function clear(): Promise<number> {
  const changed: boolean = await openvidu.fetch();
  const active: Session[] = openvidu.activeSessions;
  for (const session of active) {
    if (!changed && !(await session.fetch())) continue;
    const connections: Connection[] = session.activeConnections;
    for (const connection of connections) {
      const streams: Publisher[] = connection.publishers;
      for (const stream of streams) await session.forceUnpublish(stream);
      if (connection.status === 'active') await session.forceDisconnect(connection);
    }
    await session.forceDisconnect('con_1');
    await session.forceUnpublish('str_1');
    await session.close();
  }
  return active.length;
}
`;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'rejoin-examples-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The compiler's errors for these programs. */
function compile(name: string, programs: readonly string[]): string {
  const files = programs.map((program, at) => {
    const file = join(folder, `${name}-${at}.mts`);
    writeFileSync(file, program);
    return file;
  });
  const project = join(folder, `${name}.json`);
  const compilerOptions = {
    paths: {
      'rejoin/node-client': [resolve('src/node-client/index.ts')],
      'openvidu-node-client': [resolve('node_modules/openvidu-node-client/lib/index.d.ts')],
    },
    typeRoots: [resolve('node_modules/@types')],
    lib: ['ES2024'],
    types: ['node'],
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: false,
    skipLibCheck: true,
  };
  writeFileSync(project, JSON.stringify({ extends: resolve('tsconfig.base.json'), compilerOptions, files }));
  const { stdout } = spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', project], {
    encoding: 'utf8',
  });
  return stdout;
}

test('the examples of the guide compile', () => {
  const examples = codeExamples(readFileSync('docs/node-client.md', 'utf8'));
  assert.ok(examples.length >= 3);
  assert.equal(compile('guide', examples), '');
  const wrong = examples.map((example) => example.replaceAll('createSession', 'makeSession'));
  assert.match(compile('wrong', wrong), /makeSession/, 'the compiler has checked nothing');
});

test('an application moves over by changing the import', () => {
  for (const name of ['openvidu-node-client', 'rejoin/node-client']) {
    const application = APPLICATION.replaceAll('PACKAGE', name);
    assert.equal(compile('application', [application]), '', name);
    assert.match(compile('wrong', [application.replace('record: false', 'record: 7')]), /TS2322/, name);
  }
});
