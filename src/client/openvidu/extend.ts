import { notSupported } from '../errors.ts';
import { Publisher } from '../media/publisher.ts';
import { Rejoin } from '../rejoin.ts';
import { Connection } from '../session/connection.ts';
import { Session } from '../session/session.ts';
import { Stream } from '../session/stream.ts';
import { LocalRecorder } from './local-recorder.ts';
import type { ConnectionOptions } from './stream-options.ts';

/**
 * Adds members that only OpenVidu applications use to the SDK's classes: methods of missing features, which reject,
 * and members that OpenVidu does not document but applications read. The types always declare them; `rejoin.min.js`
 * omits them to stay small.
 */
export function extendForOpenVidu(): void {
  const filters = (): Promise<never> => Promise.reject(notSupported('Filters'));
  const transcriptions = (): Promise<never> => Promise.reject(notSupported('Transcriptions'));

  extend(Rejoin.prototype, {
    role: ({ session }) => session?.connection?.role ?? '',
    initLocalRecorder: () => () => new LocalRecorder(),
  });
  extend(Session.prototype, {
    sessionConnected: (session) => () => ['joined', 'reconnecting', 'rebuilding'].includes(session.state),
    subscribeToSpeechToText: () => transcriptions,
    unsubscribeFromSpeechToText: () => transcriptions,
  });
  extend(Connection.prototype, {
    localOptions: (connection) => (isOwn(connection) ? optionsOf(connection) : undefined),
    remoteOptions: (connection) => (isOwn(connection) ? undefined : optionsOf(connection)),
  });
  extend(Stream.prototype, {
    isLocal: (stream) => () => isLocal(stream),
    isLocalStreamPublished: (stream) =>
      isLocal(stream) && (stream.session?.streamManagers.includes(stream.streamManager) ?? false),
    inboundStreamOpts: (stream) =>
      isLocal(stream) ? undefined : { id: stream.streamId, connection: stream.connection },
    outboundStreamOpts: ({ streamManager }) =>
      streamManager instanceof Publisher ? { publisherProperties: streamManager.properties } : undefined,
    applyFilter: () => filters,
    removeFilter: () => filters,
  });
}

type Members<T> = { readonly [Name in keyof T]?: (object: T) => T[Name] };

function extend<T extends object>(prototype: T, members: Members<T>): void {
  for (const [name, read] of Object.entries(members) as [string, (object: T) => unknown][]) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T): unknown {
        return read(this);
      },
    });
  }
}

function isLocal({ streamManager }: Stream): boolean {
  return streamManager instanceof Publisher;
}

function isOwn({ session, connectionId }: Connection): boolean {
  return session.connection?.connectionId === connectionId;
}

function optionsOf({ connectionId, data }: Connection): ConnectionOptions {
  return { id: connectionId, metadata: data };
}
