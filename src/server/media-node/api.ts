import type { types } from 'mediasoup';
import type { ConnectionId, Epoch, SessionId, StreamId, UniqueSessionId } from '../../protocol/ids.ts';
import type { ConsumerInfo, TransportInfo } from '../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../protocol/model.ts';
import type { InstanceId } from '../shared/identity.ts';

/**
 * What masters ask of a media node: `POST /internal/media/<command>`. Every command names the session and the epoch
 * under which its sender owns it; a lower epoch than the highest seen is refused with EPOCH_STALE. Whatever a command
 * makes has a key chosen by the master, unique within the room: the same command again finds it and answers the same.
 */
export interface Fence {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly epoch: Epoch;
  /** Who sends this: the room is kept for as long as this master listens to the media node, and a grace longer. */
  readonly owner: InstanceId;
}

/**
 * `order`: rises with each of an owner's commands that make, close or change something. Of two about the same key the later one
 * counts, in whatever order they arrive: what an owner has given up waiting for may still be on its way, over another connection.
 * A command without one always counts.
 */
export interface Ordered {
  readonly order?: number;
}

export interface TransportData {
  readonly connectionId: ConnectionId;
  readonly direction: 'send' | 'recv';
  /** Of a `recv` transport: what its client can receive. Kept here, so that a new owner knows it. */
  readonly rtpCapabilities?: types.RtpCapabilities;
}
export interface ProducerData {
  readonly connectionId: ConnectionId;
  /** All a new owner needs to know of the stream that this producer is a part of. */
  readonly stream: StreamInfo;
}
export interface ConsumerData {
  readonly connectionId: ConnectionId;
  readonly streamId: StreamId;
}

/** Everything in a room, as a new owner adopts it. */
export interface Inventory {
  readonly rtpCapabilities: types.RtpCapabilities;
  readonly transports: readonly { key: string; appData: TransportData }[];
  readonly producers: readonly { key: string; kind: MediaKind; paused: boolean; appData: ProducerData }[];
  readonly consumers: readonly { key: string; producer: string; appData: ConsumerData }[];
}

export interface MediaCommands {
  /**
   * Makes the room, or takes it over under a higher epoch. `wasThere`: it may hold media, also such that the caller has never
   * known of, from an owner in between.
   */
  openRoom: {
    params: Record<string, never>;
    result: { roomId: string; rtpCapabilities: types.RtpCapabilities; wasThere: boolean };
  };
  /** Nothing but the fence: whether its sender is still the owner. */
  confirm: { params: Record<string, never>; result: Record<string, never> };
  closeRoom: { params: Record<string, never>; result: Record<string, never> };
  inventory: { params: Record<string, never>; result: Inventory };
  createTransport: { params: Ordered & { key: string; appData: TransportData }; result: TransportInfo };
  /** Again with the same parameters: nothing. */
  connectTransport: { params: { key: string; dtlsParameters: types.DtlsParameters }; result: Record<string, never> };
  restartIce: { params: { key: string }; result: { iceParameters: types.IceParameters } };
  /** Closes what runs over it, too. Unknown key: nothing, as for all that closes. */
  closeTransport: { params: Ordered & { key: string }; result: Record<string, never> };
  produce: {
    params: Ordered & {
      key: string;
      transport: string;
      kind: MediaKind;
      rtpParameters: types.RtpParameters;
      paused: boolean;
      appData: ProducerData;
    };
    result: Record<string, never>;
  };
  setProducerPaused: { params: Ordered & { key: string; paused: boolean }; result: Record<string, never> };
  /** Its viewers are given so many of its layers, counted from the smallest: the others are not sent. */
  setProducerLayers: { params: { key: string; layers: number }; result: Record<string, never> };
  closeProducer: { params: Ordered & { key: string }; result: Record<string, never> };
  /** Video starts paused, audio does not. */
  consume: {
    params: Ordered & {
      key: string;
      transport: string;
      producer: string;
      rtpCapabilities: types.RtpCapabilities;
      appData: ConsumerData;
    };
    result: ConsumerInfo;
  };
  resumeConsumer: { params: { key: string }; result: Record<string, never> };
  closeConsumer: { params: Ordered & { key: string }; result: Record<string, never> };
}

export type MediaCommand = keyof MediaCommands;

/** News on a media node's liveness stream. */
export interface MediaNews {
  /** The room is gone without its owner's doing: its worker died, or it was ownerless for too long. */
  roomLost: { uniqueSessionId: UniqueSessionId; epoch: Epoch; cause: 'workerDied' | 'ownerless' };
  /** A transport's state at the node's end. */
  transportState: {
    uniqueSessionId: UniqueSessionId;
    key: string;
    connectionId: ConnectionId;
    state: 'connected' | 'disconnected' | 'failed';
  };
}
