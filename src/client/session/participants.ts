import { type ConnectionId, type StreamId, streamNameOf } from '../../protocol/ids.ts';
import type {
  ConnectionInfo,
  Departed,
  LeaveReason,
  MediaKind,
  StreamChange,
  StreamEndReason,
  StreamInfo,
} from '../../protocol/model.ts';
import { activeChange, type StreamPropertyChange } from '../events.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import { Subscriber } from '../media/subscriber.ts';
import { Connection } from './connection.ts';
import type { Session } from './session.ts';
import { Stream } from './stream.ts';

/** Changes of the participants, for the session. */
export interface ParticipantsEvents {
  connectionCreated(connection: Connection): void;
  connectionDestroyed(connection: Connection, reason: LeaveReason): void;
  streamCreated(stream: Stream): void;
  /** A stream from before the crash is back under a new id. */
  streamRenewed(stream: Stream): void;
  /** The publisher sends the stream over another transport. */
  streamRerouted(stream: Stream): void;
  streamDestroyed(stream: Stream, reason: StreamEndReason): void;
  presenceChanged(connection: Connection, presence: 'here' | 'away'): void;
  streamChanged(stream: Stream, change: StreamPropertyChange): void;
}

/**
 * The remote connections and streams of a session over all of its lives: after a crash the same objects get new ids.
 */
export class Participants {
  readonly #events: ParticipantsEvents;
  readonly #session: Session;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #streams = new Map<StreamId, Stream>();
  /** Connections and streams from before the crash that have not come back yet, by their old ids. */
  #missing: { connections: Map<ConnectionId, Connection>; streams: Map<StreamId, Stream> } = {
    connections: new Map(),
    streams: new Map(),
  };

  /**
   * By returned connection: keys of the streams that it still restores. A connection without an entry may restore
   * any.
   */
  readonly #awaited = new WeakMap<Connection, Set<string>>();

  /** Rises at the end of the session. An application may leave from a listener, so announcements check it. */
  #lives = 0;

  constructor(events: ParticipantsEvents, session: Session) {
    this.#events = events;
    this.#session = session;
  }

  /** Finds a connection by its id, or by an id from before a crash. */
  connection(id: ConnectionId): Connection | undefined {
    const { connections: missing } = this.#missing;
    return (
      this.#connections.get(id) ??
      missing.get(id) ??
      [...this.#connections.values()].find(({ formerIds }) => formerIds.includes(id))
    );
  }

  stream(id: StreamId): Stream | undefined {
    return this.#streams.get(id);
  }

  /** The subscribers of present streams. */
  subscribers(): Subscriber[] {
    return [...this.#streams.values()].flatMap(({ manager }) => (manager instanceof Subscriber ? manager : []));
  }

  /** The managers of all streams, including missing ones that may return. */
  managers(): StreamManager[] {
    const all = [...this.#streams.values(), ...this.#missing.streams.values()];
    return all.flatMap(({ manager }) => manager ?? []);
  }

  /** All remote connections by id, including missing ones that may return. */
  connections(): Map<string, Connection> {
    return new Map<string, Connection>([...this.#missing.connections, ...this.#connections]);
  }

  /**
   * Adds all participants who were there when this client joined. It adds all before the first announcement, because
   * listeners look them up, and announces connections before streams.
   */
  addAll(infos: readonly ConnectionInfo[], announceFirst?: () => void): void {
    const life = this.#lives;
    const announcements = [
      announceFirst,
      ...infos.map((info) => this.#addConnection(info)),
      ...infos.flatMap(({ streams }) => streams.map((stream) => this.#addStream(stream))),
      ...infos.map(
        ({ connectionId }) =>
          () =>
            this.#endUnawaited(connectionId),
      ),
    ];
    for (const announce of announcements) if (life === this.#lives) announce?.();
  }

  /**
   * Adopts a new owner's state of the session and announces only the differences. `streamsMayReturn`: a stream that
   * the owner lacks may still return.
   */
  reconcile(infos: readonly ConnectionInfo[], streamsMayReturn: boolean): void {
    const life = this.#lives;
    const there = new Map(infos.map((info) => [info.connectionId, info]));
    for (const [id, connection] of this.#connections) {
      const info = there.get(id);
      if (!info) {
        this.remove(id, 'networkDisconnect');
        continue;
      }
      const streams = new Set(info.streams.map(({ streamId }) => streamId));
      for (const stream of connection.streams) {
        const { streamId } = stream;
        if (streams.has(streamId)) continue;
        // The owner lost its knowledge of the stream with the media node; the publisher restores it soon.
        if (streamsMayReturn && this.#streams.delete(streamId)) this.#missing.streams.set(streamId, stream);
        else this.removeStream(streamId, 'unpublish');
      }
      connection.update({ role: info.role });
      if (connection.presence !== info.presence) this.setPresence(id, info.presence);
      for (const stream of info.streams) this.#catchUp(stream);
    }
    if (life === this.#lives) this.addAll(infos);
  }

  setPresence(id: ConnectionId, presence: 'here' | 'away'): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    connection.update({ presence });
    this.#events.presenceChanged(connection, presence);
  }

  setActive(id: StreamId, kind: MediaKind, active: boolean): void {
    const stream = this.#streams.get(id);
    if (stream?.setActive(kind, active)) this.#events.streamChanged(stream, activeChange(kind, active));
  }

  /** The publisher sends the stream over another transport, for the `renewal`th time. */
  reroute(id: StreamId, renewal: number): void {
    const stream = this.#streams.get(id);
    if (!stream || stream.renewal === renewal) return;
    stream.update({ renewal });
    this.#events.streamRerouted(stream);
  }

  /** Applies a change that the publisher reported. */
  change(id: StreamId, change: StreamChange): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    const { property: changedProperty, value: newValue, reason } = change;
    // The former source of a track is unknown, because the server sends only the new one.
    const oldValue = changedProperty === 'videoDimensions' ? stream.videoDimensions : undefined;
    stream.change(change);
    this.#events.streamChanged(stream, { changedProperty, newValue, oldValue, reason });
  }

  add(info: ConnectionInfo): void {
    this.addAll([info]);
  }

  addStream(info: StreamInfo): void {
    this.#addStream(info)?.();
    this.#endUnawaited(info.connectionId);
  }

  /** Returns the function that announces the stream, if it is new here. */
  #addStream(info: StreamInfo): (() => void) | undefined {
    const connection = this.#connections.get(info.connectionId);
    if (!connection || this.#streams.has(info.streamId)) return undefined;
    const back = takeBack(this.#missing.streams, namesOf(info, connection.formerIds));
    const stream = back ?? new Stream(info);
    // `#catchUp` announces these later, because the publisher may have changed them meanwhile.
    const { audioActive, videoActive, videoDimensions, ...rest } = info;
    stream.update(rest);
    connection.addStream(stream);
    this.#streams.set(info.streamId, stream);
    this.#awaited.get(connection)?.delete(streamNameOf(info.streamId)?.key ?? '');
    return () => {
      if (back) this.#events.streamRenewed(stream);
      else this.#events.streamCreated(stream);
      this.#catchUp(info);
    };
  }

  /** Announces changes that this client missed: muted tracks, another size or transport. */
  #catchUp({ streamId, audioActive, videoActive, videoDimensions: value, renewal = 0 }: StreamInfo): void {
    this.reroute(streamId, renewal);
    this.setActive(streamId, 'audio', audioActive);
    this.setActive(streamId, 'video', videoActive);
    const stream = this.#streams.get(streamId);
    if (!stream || !value) return;
    const { width, height } = stream.videoDimensions;
    if (width === value.width && height === value.height) return;
    const turned = width === value.height && height === value.width;
    const reason = stream.typeOfVideo === 'SCREEN' ? 'screenResized' : turned ? 'deviceRotated' : 'trackReplaced';
    this.change(streamId, { property: 'videoDimensions', value, reason });
  }

  removeStream(id: StreamId, reason: StreamEndReason): void {
    const stream = this.#streams.get(id) ?? this.#takeMissing(id);
    if (!stream) return;
    this.#streams.delete(id);
    this.#endStream(stream, reason);
  }

  /** Removes a connection, or a missing one, which then does not come back. */
  remove(id: ConnectionId, reason: LeaveReason): void {
    const { connections: missing } = this.#missing;
    const connection = this.#connections.get(id) ?? missing.get(id);
    if (!connection) return;
    this.#connections.delete(id);
    missing.delete(id);
    this.#endConnection(connection, reason);
  }

  /** Removes the connections that have left for good, if they are known here. */
  depart(departed: readonly Departed[] = []): void {
    const life = this.#lives;
    for (const { connectionId, reason } of departed) if (life === this.#lives) this.remove(connectionId, reason);
  }

  /** The session is lost, for this client or for all: every connection may come back. */
  lose(): void {
    for (const [id, connection] of this.#connections) this.#missing.connections.set(id, connection);
    for (const [id, stream] of this.#streams) this.#missing.streams.set(id, stream);
    this.#connections.clear();
    this.#streams.clear();
  }

  /** Ends the connections and streams that have not come back after the crash. */
  forgetMissing(reason: LeaveReason): void {
    const { connections, streams } = this.#missing;
    this.#missing = { connections: new Map(), streams: new Map() };
    for (const stream of streams.values()) this.#endStream(stream, reason);
    for (const connection of connections.values()) this.#endConnection(connection, reason);
  }

  /** Forgets everything without announcements; the caller ends the returned streams. */
  clear(): Stream[] {
    this.#lives += 1;
    const streams = [...this.#streams.values(), ...this.#missing.streams.values()];
    this.#connections.clear();
    this.#streams.clear();
    this.#missing = { connections: new Map(), streams: new Map() };
    return streams;
  }

  /** Returns the function that announces the connection, if it is new here. */
  #addConnection(info: ConnectionInfo): (() => void) | undefined {
    if (this.#connections.has(info.connectionId)) return undefined;
    const back = takeBack(this.#missing.connections, [info.connectionId, ...(info.replaces ?? [])]);
    if (back) {
      const { presence } = back;
      back.update(info);
      const { awaitedStreams } = info;
      if (awaitedStreams) this.#awaited.set(back, new Set(awaitedStreams));
      else this.#awaited.delete(back);
      this.#connections.set(info.connectionId, back);
      return presence === info.presence ? undefined : () => this.#events.presenceChanged(back, info.presence);
    }
    const connection = new Connection(info, this.#session);
    this.#connections.set(info.connectionId, connection);
    return () => this.#events.connectionCreated(connection);
  }

  /** Ends streams from before a crash that their returned publisher does not restore. */
  #endUnawaited(id: ConnectionId): void {
    const connection = this.#connections.get(id);
    const awaited = connection && this.#awaited.get(connection);
    if (!awaited) return;
    for (const [old, stream] of this.#missing.streams) {
      if (stream.connection !== connection || old.endsWith(id) || awaited.has(streamNameOf(old)?.key ?? '')) continue;
      this.#missing.streams.delete(old);
      this.#endStream(stream, 'unpublish');
    }
  }

  /** Takes a missing stream by the id that it would have now. */
  #takeMissing(id: StreamId): Stream | undefined {
    const { streams } = this.#missing;
    for (const [old, stream] of streams) {
      if (`${streamNameOf(old)?.prefix}${stream.connection.connectionId}` !== id) continue;
      streams.delete(old);
      return stream;
    }
    return undefined;
  }

  #endStream(stream: Stream, reason: StreamEndReason): void {
    stream.connection.removeStream(stream);
    this.#events.streamDestroyed(stream, reason);
  }

  #endConnection(connection: Connection, reason: LeaveReason): void {
    for (const stream of connection.streams) {
      this.#streams.delete(stream.streamId);
      this.#missing.streams.delete(stream.streamId);
      this.#endStream(stream, reason);
    }
    this.#events.connectionDestroyed(connection, reason);
  }
}

/** Takes an object back under its own id, as after a move of the media, or under an id from before crashes. */
function takeBack<Id, T>(missing: Map<Id, T>, names: readonly Id[]): T | undefined {
  for (const name of names) {
    const back = missing.get(name);
    if (missing.delete(name)) return back;
  }
  return undefined;
}

/** The present and former ids of a stream: only the connection's id, at the end, changes. */
function namesOf({ streamId, connectionId }: StreamInfo, former: readonly ConnectionId[]): StreamId[] {
  const own = streamId.slice(0, -connectionId.length);
  return [streamId, ...former.map((id) => `${own}${id}` as StreamId)];
}
