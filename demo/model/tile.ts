import type { Connection, Publisher, Stream, StreamManager } from '../../src/client/index.ts';
import { nameOf } from './person-name.ts';

/** A rectangle of the stage: a participant's stream, or a participant without one. */
export interface TileModel {
  /** Stays the same for the life of the tile. A rebuild changes all ids, but no video may be recreated. */
  readonly key: string;
  readonly own: boolean;
  readonly name: string;
  readonly connectionId: string;
  /** Empty without a stream. */
  readonly streamId: string;
  readonly manager: StreamManager | undefined;
  readonly audioOn: boolean;
  readonly videoOn: boolean;
  /** The participant has lost the connection, and may return any moment. */
  readonly away: boolean;
}

export interface OwnTileState {
  readonly name: string;
  readonly connection: Connection | undefined;
  readonly publisher: Publisher | undefined;
  readonly audioOn: boolean;
  readonly videoOn: boolean;
}

const keys = new WeakMap<object, string>();
let count = 0;

/** A key for an object; the same object always has the same key. */
export function keyOf(object: object): string {
  const known = keys.get(object);
  if (known) return known;
  count += 1;
  const key = `key-${count}`;
  keys.set(object, key);
  return key;
}

export function ownTile({ name, connection, publisher, audioOn, videoOn }: OwnTileState): TileModel {
  return {
    key: 'own',
    own: true,
    name,
    connectionId: connection?.connectionId ?? '',
    streamId: publisher?.stream?.streamId ?? '',
    manager: publisher,
    audioOn,
    videoOn,
    away: false,
  };
}

/** One tile for each stream of a connection, or one for a participant without streams. */
export function tilesOf(connection: Connection): TileModel[] {
  const tile = (stream: Stream | undefined, index: number): TileModel => ({
    // The first stream replaces the tile with the participant's name.
    key: keyOf(index === 0 || !stream ? connection : stream),
    own: false,
    name: nameOf(connection),
    connectionId: connection.connectionId,
    streamId: stream?.streamId ?? '',
    manager: stream?.streamManager,
    audioOn: Boolean(stream?.hasAudio && stream.audioActive),
    videoOn: Boolean(stream?.hasVideo && stream.videoActive),
    away: connection.presence === 'away',
  });
  const { streams } = connection;
  return streams.length === 0 ? [tile(undefined, 0)] : streams.map(tile);
}
