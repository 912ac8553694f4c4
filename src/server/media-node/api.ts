import type { types } from 'mediasoup';
import type { ConnectionId, Epoch, SessionId, StreamId, UniqueSessionId } from '../../protocol/ids.ts';
import type { ConsumerInfo, TransportInfo } from '../../protocol/methods.ts';
import type { MediaKind, StreamInfo } from '../../protocol/model.ts';
import type { InstanceId } from '../shared/identity.ts';

/**
 * The commands of masters to a media node: `POST /internal/media/<command>`. Every command names the session and the sender's epoch; an
 * epoch lower than the highest seen is refused with EPOCH_STALE. The master chooses the key of each object that a command makes,
 * unique within the room. A repeated command thus finds the object and gives the same answer.
 */
export interface Fence {
  readonly sessionId: SessionId;
  readonly uniqueSessionId: UniqueSessionId;
  readonly epoch: Epoch;
  /** The sender. The room is kept while this master listens to the media node, and for a grace period afterwards. */
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
  /** For `recv`: what the client can receive. Kept here for a later owner. */
  readonly rtpCapabilities?: types.RtpCapabilities;
}
export interface ProducerData {
  readonly connectionId: ConnectionId;
  /** The stream that this producer is part of, as a new owner needs to know it. */
  readonly stream: StreamInfo;
}
export interface ConsumerData {
  readonly connectionId: ConnectionId;
  readonly streamId: StreamId;
}

/** Everything in a room, for a new owner to adopt. */
export interface Inventory {
  readonly rtpCapabilities: types.RtpCapabilities;
  readonly transports: readonly { key: string; appData: TransportData }[];
  readonly producers: readonly { key: string; kind: MediaKind; paused: boolean; appData: ProducerData }[];
  readonly consumers: readonly { key: string; producer: string; appData: ConsumerData }[];
}

export interface MediaCommands {
  /**
   * Creates the room, or takes it over under a higher epoch. `wasThere`: the room existed and may hold media that this caller doesn't
   * know of, from another owner in between.
   */
  openRoom: {
    params: Record<string, never>;
    result: { roomId: string; rtpCapabilities: types.RtpCapabilities; wasThere: boolean };
  };
  /** Checks only the fence: whether the sender is still the owner. */
  confirm: { params: Record<string, never>; result: Record<string, never> };
  closeRoom: { params: Record<string, never>; result: Record<string, never> };
  inventory: { params: Record<string, never>; result: Inventory };
  createTransport: { params: Ordered & { key: string; appData: TransportData }; result: TransportInfo };
  /** Repeating it with the same parameters has no effect. */
  connectTransport: { params: { key: string; dtlsParameters: types.DtlsParameters }; result: Record<string, never> };
  restartIce: { params: { key: string }; result: { iceParameters: types.IceParameters } };
  /** Also closes what runs over the transport. As for all `close…` commands, an unknown key has no effect. */
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
  /** Sends viewers only this many layers, counted from the smallest. */
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
  /** The room is gone without a command of its owner: its worker died, or it had no owner for too long. */
  roomLost: { uniqueSessionId: UniqueSessionId; epoch: Epoch; cause: 'workerDied' | 'ownerless' };
  /** The state of a transport at the node's end. */
  transportState: {
    uniqueSessionId: UniqueSessionId;
    key: string;
    connectionId: ConnectionId;
    state: 'connected' | 'disconnected' | 'failed';
  };
}
