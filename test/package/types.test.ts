import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Consumer, ROOT } from './consumer.ts';

const execute = promisify(execFile);

/** A front end in OpenVidu's style. The compiler must report its mistakes; otherwise the types would be `any`. */
const FRONT_END = `
import {
  OpenVidu, type Publisher, Rejoin, type RejoinError, type Session, type StreamManager, type Subscriber,
} from 'rejoin';

export class Call {
  readonly session: Session = new OpenVidu().initSession();
  publisher: Publisher | undefined;
  readonly subscribers: StreamManager[] = [];

  async join(token: string): Promise<void> {
    this.session.on('streamCreated', (event) => {
      const subscriber: Subscriber = this.session.subscribe(event.stream, undefined);
      this.subscribers.push(subscriber);
    });
    this.session.on('streamDestroyed', ({ stream, reason }) => {
      const at = this.subscribers.findIndex((one) => one === stream.streamManager);
      if (at >= 0 && reason !== 'unpublish') this.subscribers.splice(at, 1);
    });
    this.session.on('signal:chat', ({ data, from }) => show(from?.connectionId, data));
    this.session.on('rebuilt', ({ durationMs }) => show(durationMs.toFixed(0)));
    this.session.on('exception', (exception) => show(exception.name, exception.message));
    await this.session.connect(token, { clientData: 'Ann' });
    this.publisher = await new OpenVidu().initPublisherAsync(undefined, { videoSource: false, insertMode: 'APPEND' });
    await this.session.publish(this.publisher);
    await this.session.signal({ type: 'chat', data: 'Hello', to: [] });
  }
}

declare function show(...words: (string | undefined)[]): void;

const patient = new Rejoin().initSession({ retry: { giveUpAfterMs: 60_000 }, urls: ['wss://a.example'] });
patient.connect(() => Promise.resolve('token')).catch(({ code, message, action }: RejoinError) => show(code, message, action));
// @ts-expect-error: there is no such event
patient.on('streamCraeted', () => {});
// @ts-expect-error: a number is no token
patient.connect(7);
`;

/** An application's server. */
const SERVER = `
import { type Connection, OpenVidu, OpenViduRole, RejoinApiError, type Session } from 'rejoin/node-client';

export async function tokenOf(url: string, secret: string, room: string): Promise<string> {
  const openVidu = new OpenVidu(url, secret, { retry: { deadlineMs: 5_000 } });
  try {
    const session: Session = await openVidu.createSession({ customSessionId: room, failover: 'takeover' });
    const connection: Connection = await session.createConnection({ role: OpenViduRole.PUBLISHER, data: 'Ann' });
    await session.signal({ type: 'news', to: [connection] });
    // @ts-expect-error: there is no such role
    await session.createConnection({ role: 'SINGER' });
    const token: string | null = connection.token;
    return token ?? '';
  } catch (error) {
    if (error instanceof RejoinApiError && error.code === 'NOT_FOUND') return error.action;
    throw error;
  }
}
`;

/** The same, as CommonJS. */
const SERVER_CJS = SERVER.replace(/import (.*) from ('.*');/, 'import client = require($2);').replace(
  'export async',
  `const { OpenVidu, OpenViduRole, RejoinApiError } = client;
type Connection = client.Connection;
type Session = client.Session;

export async`,
);

/** Common project settings. */
const RESOLUTIONS = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'preserve', moduleResolution: 'bundler' },
};

const STRICT = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, skipLibCheck: false, target: 'es2022' };
/** Without any `@types`: the package must bring all that it needs in a browser. */
const BROWSER = { lib: ['es2022', 'dom', 'dom.iterable'], types: [] };
/** Types that every Node project has. */
const NODE = { lib: ['es2022'], types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] };

let consumer: Consumer;
before(async () => {
  consumer = await Consumer.install();
  await consumer.write('front-end/call.ts', FRONT_END);
  await consumer.write('front-end/call-commonjs.cts', FRONT_END);
  await consumer.write('server/token.ts', SERVER);
  await consumer.write('server/token-commonjs.cts', SERVER_CJS);
});
after(() => consumer.remove());

for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
  test(`strict projects with moduleResolution ${name} compile`, async () => {
    assert.equal(await complaints('front-end', { ...STRICT, ...BROWSER, ...resolution }), '');
    assert.equal(await complaints('server', { ...STRICT, ...NODE, ...resolution }), '');
  });
}

/** The compiler's errors for the project in a folder. */
async function complaints(folder: string, compilerOptions: object): Promise<string> {
  const config = await consumer.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions }));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await execute(process.execPath, [tsc, '--pretty', 'false', '-p', config]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}
