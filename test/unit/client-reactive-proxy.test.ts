import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamManager } from '../../src/client/media/stream-manager.ts';
import { Rejoin } from '../../src/client/rejoin.ts';
import { Connection } from '../../src/client/session/connection.ts';
import type { Session } from '../../src/client/session/session.ts';
import { Stream } from '../../src/client/session/stream.ts';
import { TypedEmitter } from '../../src/client/typed-emitter.ts';
import type { ConnectionInfo, StreamInfo } from '../../src/protocol/model.ts';

/** As in Vue 3: one proxy for each object, and for objects that are read through proxies. */
class Reactive {
  readonly changed: string[] = [];
  readonly #proxies = new WeakMap<object, object>();

  proxy<T extends object>(target: T): T {
    const known = this.#proxies.get(target) as T | undefined;
    if (known) return known;
    const proxy = new Proxy(target, {
      get: (from, name, receiver) => {
        const value: unknown = Reflect.get(from, name, receiver);
        return typeof value === 'object' && value !== null ? this.proxy(value) : value;
      },
      set: (to, name, value, receiver) => {
        const before: unknown = Reflect.get(to, name);
        const isDone = Reflect.set(to, name, value, receiver);
        if (before !== value) this.changed.push(String(name));
        return isDone;
      },
    });
    this.#proxies.set(target, proxy);
    return proxy;
  }
}

const STREAM = {
  streamId: 'str_1',
  hasAudio: true,
  hasVideo: true,
  audioActive: true,
  videoActive: true,
} as StreamInfo;

test("every accessor of the SDK's objects works through a proxy", () => {
  const rejoin = new Rejoin();
  const session = rejoin.initSession();
  const connection = new Connection({ connectionId: 'con_1', streams: [] } as object as ConnectionInfo, session);
  const stream = new Stream(STREAM);
  connection.addStream(stream);
  const read: string[] = [];
  for (const object of [rejoin, session, connection, stream]) {
    const proxy = new Reactive().proxy(object) as object as Record<string, unknown>;
    for (let prototype = Object.getPrototypeOf(object); prototype !== Object.prototype; ) {
      for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (!get) continue;
        void proxy[name];
        read.push(name);
      }
      prototype = Object.getPrototypeOf(prototype);
    }
  }
  for (const name of ['state', 'capabilities', 'streams', 'remoteConnections']) assert.ok(read.includes(name), name);
});

test('methods called on a proxy, or with one, use the objects themselves', () => {
  const reactive = new Reactive();
  const connection = new Connection({ connectionId: 'con_1', streams: [] } as object as ConnectionInfo, {} as Session);
  const stream = new Stream(STREAM);
  reactive.proxy(connection).addStream(reactive.proxy(stream));
  assert.equal(connection.stream, stream);
  connection.removeStream(stream);
  assert.equal(connection.stream, undefined);

  const emitter = new TypedEmitter<{ news: string }>();
  const heard: string[] = [];
  const listener = (news: string): void => void heard.push(news);
  const proxy = reactive.proxy(emitter);
  proxy.on('news', listener).once('news', listener);
  emitter.emitEvent('news', 'first');
  proxy.off('news', listener);
  emitter.emitEvent('news', 'second');
  assert.deepEqual(heard, ['first', 'first']);
});

test("changes go through the object's last proxy, or its publisher's", () => {
  const reactive = new Reactive();
  const stream = new Stream(STREAM);
  stream.setActive('audio', false);
  assert.deepEqual(reactive.changed, [], 'there is no proxy');

  const manager = new (class extends TypedEmitter {
    readonly stream = stream;
  })();
  stream.managedBy(manager as object as StreamManager);
  reactive.proxy(manager).on('news' as never, () => {});
  stream.setActive('audio', true);
  assert.deepEqual(reactive.changed.splice(0), ['audioActive']);
  stream.managedBy(undefined);
  stream.setActive('audio', false);
  assert.deepEqual(reactive.changed, [], 'it has no manager');

  reactive.proxy(stream).getMediaStream();
  stream.setActive('video', false);
  assert.deepEqual(reactive.changed, ['videoActive']);
  assert.deepEqual([stream.audioActive, stream.videoActive], [false, false]);
});

test('a read-only proxy does not prevent changes of the object', () => {
  const stream = new Stream(STREAM);
  new Proxy(stream, { set: () => true }).getMediaStream();
  stream.setActive('audio', false);
  assert.equal(stream.audioActive, false);
});

test('the properties that Vue 2 watches exist from the start', () => {
  const stream = new Stream(STREAM);
  const connection = new Connection({ connectionId: 'con_1', streams: [] } as object as ConnectionInfo, {} as Session);
  const watched = {
    stream: ['audioActive', 'videoActive', 'videoDimensions', 'typeOfVideo', 'frameRate', 'streamId', 'connection'],
    connection: ['role', 'data', 'presence', 'networkQuality', 'stream'],
  };
  const missing = (object: object, names: string[]): string[] =>
    names.filter((name) => !Object.getOwnPropertyDescriptor(object, name)?.enumerable);
  assert.deepEqual([missing(stream, watched.stream), missing(connection, watched.connection)], [[], []]);
});
