import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { afterClose, CLOSE_CODES } from '../../src/protocol/close-codes.ts';
import { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode } from '../../src/protocol/errors.ts';
import { parseServerFrame } from '../../src/protocol/frames.ts';
import { isSessionId, newConnectionId, newSessionId, randomText, streamIdOf } from '../../src/protocol/ids.ts';
import { formatTokenUrl, parseTokenUrl } from '../../src/protocol/token-url.ts';
import { parseClientFrame } from '../../src/server/master/edge/client-frames.ts';
import { checkParams } from '../../src/server/master/owner/request-schemas.ts';

test('ids have the shapes that OpenVidu clients know', () => {
  assert.match(newConnectionId(), /^con_[A-Za-z0-9]{10}$/);
  assert.match(newSessionId(), /^ses_[A-Za-z0-9]{10}$/);
  const connection = newConnectionId();
  assert.equal(streamIdOf(connection, 'AbC1', 'CAMERA'), `str_CAM_AbC1_${connection}`);
  assert.equal(streamIdOf(connection, 'AbC1', undefined), `str_MIC_AbC1_${connection}`);
});

test('random text uses every letter about equally often', () => {
  const counts = new Map<string, number>();
  for (const letter of randomText(62_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  assert.equal(counts.size, 62);
  for (const [letter, count] of counts) assert.ok(count > 800 && count < 1_200, `${letter}: ${count}`);
});

test('session ids are checked', () => {
  for (const good of ['a', 'A-b_9', 'x'.repeat(128)]) assert.ok(isSessionId(good), good);
  for (const bad of ['', 'a b', 'ä', 'a/b', 'x'.repeat(129), 'a\n']) assert.ok(!isSessionId(bad), JSON.stringify(bad));
});

test('a token is parsed exactly, and nothing else parses as a token', () => {
  const token = 'ws://localhost:8080?sessionId=room&token=tok_1234567890abcdef';
  const parsed = parseTokenUrl(token);
  assert.ok(parsed);
  assert.equal(formatTokenUrl(parsed), token);
  const below = 'wss://example.org/some/path?sessionId=room&token=tok_1';
  assert.equal(formatTokenUrl(parseTokenUrl(below) ?? assert.fail()), below);
  for (const [text, base] of [
    ['wss://example.org', 'wss://example.org'],
    ['wss://example.org/', 'wss://example.org'],
    ['wss://example.org:4443/some/path', 'wss://example.org:4443/some/path'],
    ['wss://example.org/some/path/', 'wss://example.org/some/path'],
  ]) {
    assert.equal(parseTokenUrl(`${text}?sessionId=a&token=b`)?.base, base);
  }
  for (const bad of [
    '',
    'room',
    'http://x?sessionId=a&token=b',
    'ws://?sessionId=a&token=b',
    'ws://x?sessionId=a',
    'ws://x?token=b',
    'ws://x?sessionId=a%20b&token=b',
  ]) {
    assert.equal(parseTokenUrl(bad), undefined, bad);
  }
});

test('close codes decide what follows; unknown ones mean: come back', () => {
  for (const [code, { reaction }] of Object.entries(CLOSE_CODES)) assert.equal(afterClose(Number(code)), reaction);
  for (const code of [1000, 1001, 1006, 1012, 4999]) assert.equal(afterClose(code), 'resume');
});

test('errors keep code, message and detail over the wire', () => {
  for (const code of Object.keys(PROTOCOL_ERRORS) as ProtocolErrorCode[]) {
    const back = ProtocolError.fromWire(JSON.parse(JSON.stringify(new ProtocolError(code, 'here').toWire())));
    assert.equal(back.code, code);
    assert.equal(back.detail, 'here');
    assert.ok(back.action.length > 10 && back.message.includes('here'));
  }
});

test('an error of a newer server is still an error', () => {
  const newer = { code: 'SOMETHING_NEW', message: 'm', action: 'a' } as unknown as Parameters<
    typeof ProtocolError.fromWire
  >[0];
  const error = ProtocolError.fromWire(newer);
  assert.equal(error.code, 'INTERNAL');
  assert.match(error.message, /SOMETHING_NEW/);
});

test('a client ignores unknown frames and fields', () => {
  for (const text of ['', '{', 'null', '7', '[]', '{"t":"newer"}', '{"t":1}', '{"x":1}']) {
    assert.equal(parseServerFrame(text), undefined, text);
  }
  assert.deepEqual(parseServerFrame('{"t":"pong","more":1}'), { t: 'pong', more: 1 });
});

test('a malformed frame gets a named error, with the field', () => {
  const cases: [string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /no field "t"/],
    ['{"t":"dance"}', /unknown type dance/],
    [`{"t":${'['.repeat(8_000)}${']'.repeat(8_000)}}`, /unknown type object/],
    ['{"t":"hello"}', /./],
    ['{"t":"hello","v":1,"sdk":"x","join":{"sessionId":"a"}}', /join/],
    ['{"t":"req","id":0,"method":"x","data":{}}', /id/],
    ['{"t":"req","id":1,"method":"x"}', /./],
    ['{"t":"ack","seq":-1}', /seq/],
  ];
  for (const [text, detail] of cases) {
    assert.throws(
      () => parseClientFrame(text),
      (error: unknown) =>
        error instanceof ProtocolError && error.code === 'FRAME_MALFORMED' && detail.test(error.detail ?? ''),
      text,
    );
  }
  assert.equal(parseClientFrame('{"t":"ping","unknown":"is ignored"}').t, 'ping');
});

test('the data of a request is checked by its method', () => {
  const code = (method: string, data: unknown): string => {
    try {
      checkParams(method, data);
      return 'ok';
    } catch (error) {
      return error instanceof ProtocolError ? error.code : String(error);
    }
  };
  assert.equal(code('signal', { id: '1', data: 'x' }), 'ok');
  assert.equal(code('signal', { id: '1', more: 'is ignored' }), 'ok');
  assert.equal(code('signal', { data: 'x' }), 'PARAMS_INVALID');
  assert.equal(code('publish', { key: 'toolong', transport: 't', producers: [] }), 'PARAMS_INVALID');
  assert.equal(code('dance', {}), 'METHOD_UNKNOWN');
  // Inherited properties of objects are not methods.
  for (const name of ['constructor', '__proto__', 'toString']) assert.equal(code(name, {}), 'METHOD_UNKNOWN');
});

test('the protocol page names every error and every close code', () => {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  for (const code of Object.keys(PROTOCOL_ERRORS)) assert.ok(page.includes(`\`${code}\``), `${code} is missing`);
  for (const code of Object.keys(CLOSE_CODES)) assert.ok(page.includes(code), `${code} is missing`);
});
