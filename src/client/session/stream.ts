import type { StreamId } from '../../protocol/ids.ts';
import type { MediaKind, StreamChange, StreamInfo } from '../../protocol/model.ts';
import { notConnected } from '../errors.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import type { Filter } from '../openvidu/filter.ts';
import type { InboundStreamOptions, OutboundStreamOptions } from '../openvidu/stream-options.ts';
import type { TypeOfVideo } from '../openvidu/type-of-video.ts';
import { BARE, proxyOf, show, worksInProxies } from '../reactive-proxy.ts';
import type { Connection } from './connection.ts';
import type { Session } from './session.ts';

/** Size in pixels. */
export interface VideoDimensions {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A publisher's stream before it is published. */
export type UnpublishedStream = Pick<
  StreamInfo,
  'hasAudio' | 'hasVideo' | 'audioActive' | 'videoActive' | 'typeOfVideo' | 'frameRate'
>;

/**
 * The media of a participant. The object stays the same when the session is rebuilt after a crash, but its id
 * changes. A publisher has its stream from the start. The stream gets a connection when publishing begins, and an id
 * and a time when it is complete.
 *
 * Values that change are own properties, because Vue 2 can watch only those.
 */
export class Stream {
  /**
   * The owner's connection. `undefined` until a publisher's stream is being published, although OpenVidu's type
   * excludes it.
   */
  readonly connection!: Connection;
  /**
   * The session in which it is, or will most likely be, published. `undefined` for a publisher made before any
   * session, although OpenVidu's type excludes it.
   */
  readonly session!: Session;
  /** `str_<CAM|SCR|CUS|MIC>_xxxx_<connectionId>`; empty until published. */
  readonly streamId!: StreamId;
  /** Time of publication: Unix time, ms. 0 until published. */
  readonly creationTime!: number;
  /** Whether it has an audio track. */
  readonly hasAudio!: boolean;
  /** Whether it has a video track. */
  readonly hasVideo!: boolean;
  /** `false` while the publisher has muted its microphone, or after `subscribeToAudio(false)`. */
  readonly audioActive!: boolean;
  /** `false` while the publisher has muted its camera, or after `subscribeToVideo(false)`. */
  readonly videoActive!: boolean;
  /** The kind of video; `undefined` without video. */
  readonly typeOfVideo: TypeOfVideo | undefined;
  /** Requested frames per second of the camera. */
  readonly frameRate: number | undefined;
  /** Pixels; both 0 while unknown. */
  readonly videoDimensions: VideoDimensions = { width: 0, height: 0 };
  /**
   * The publisher or subscriber of this stream in this page, even after its end. `undefined` for a stream without a
   * subscriber, although OpenVidu's type excludes it.
   */
  readonly streamManager!: StreamManager;
  /** OpenVidu's. Never set, because there are no filters. */
  declare readonly filter?: Filter;
  /**
   * OpenVidu's. Rejects, because there are no filters. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly applyFilter: (type: string, options: object) => Promise<Filter>;
  /**
   * OpenVidu's. Rejects, because there are no filters. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly removeFilter: () => Promise<void>;
  /** OpenVidu's: whether the stream is a publisher's. Not in `rejoin.min.js`. */
  declare readonly isLocal: () => boolean;
  /** OpenVidu's: whether the stream is a publisher's, and published. Not in `rejoin.min.js`. */
  declare readonly isLocalStreamPublished: boolean;
  /** OpenVidu's, for remote streams: the server's options. Not in `rejoin.min.js`. */
  declare readonly inboundStreamOpts: InboundStreamOptions | undefined;
  /** OpenVidu's, for a publisher's stream: the publisher's options. Not in `rejoin.min.js`. */
  declare readonly outboundStreamOpts: OutboundStreamOptions | undefined;
  /** @internal */
  readonly [BARE] = (): this => this;
  #info: StreamInfo;
  #manager: StreamManager | undefined;

  /** @internal */
  constructor(info: StreamInfo) {
    this.#info = info;
    this.update(info);
  }

  /** @internal A publisher's stream before it is published. */
  static unpublished(wanted: UnpublishedStream): Stream {
    return new Stream({
      ...wanted,
      streamId: '' as StreamId,
      connectionId: '' as StreamInfo['connectionId'],
      createdAt: 0,
    });
  }

  /** The media; the object stays the same for the stream's life. It has no tracks until they arrive. */
  getMediaStream(): MediaStream {
    return this.streamManager?.shownStream;
  }

  /** The peer connection that carries it now, for statistics. `undefined` while there is none. */
  getRTCPeerConnection(): RTCPeerConnection {
    return this.streamManager?.peerConnection as RTCPeerConnection;
  }

  /**
   * Makes a new connection for its media, and for all other media of this client; the session emits `reconnecting`
   * and `reconnected`. The SDK does this by itself when it helps.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async reconnect(): Promise<void> {
    if (!this.session) throw notConnected('reconnect()');
    await this.session.renewMedia();
  }

  /** @internal How often the publisher has moved it to another transport. */
  get renewal(): number {
    return this.#info.renewal ?? 0;
  }

  /** @internal The publisher's state of the stream. */
  get info(): StreamInfo {
    return this.#info;
  }

  /** @internal Like `streamManager`, but only while that sends or receives the stream. */
  get manager(): StreamManager | undefined {
    return this.#manager;
  }

  /** @internal */
  managedBy(manager: StreamManager | undefined): void {
    this.#manager = manager;
    if (manager) this.#show({ streamManager: manager });
  }

  /** @internal */
  update(info: Partial<StreamInfo>): void {
    this.#info = { ...this.#info, ...info };
    const { createdAt, connectionId, renewal, ...shown } = info;
    this.#show({ ...shown, ...(createdAt === undefined ? {} : { creationTime: createdAt }) });
  }

  /** @internal Returns whether the value changed. */
  setActive(kind: MediaKind, active: boolean): boolean {
    const property = activeProperty(kind);
    if (this.#info[property] === active) return false;
    this.update({ [property]: active });
    return true;
  }

  /** @internal Mutes or hides the stream in this page only, or ends that. */
  setShown(kind: MediaKind, shown: boolean): void {
    const property = activeProperty(kind);
    this.#show({ [property]: shown && this.#info[property] });
  }

  /** @internal Applies a change that the publisher reported. */
  change(change: StreamChange): void {
    if (change.property === 'videoDimensions') this.update({ videoDimensions: change.value });
  }

  /**
   * Uses the manager's proxy, because applications keep the publisher or subscriber in reactive state and read the
   * stream through it.
   */
  #show(change: Partial<Stream>): void {
    show<Stream>(this, change, proxyOf<Stream>(this) ?? (this.#manager && proxyOf(this.#manager)?.stream));
  }
}
worksInProxies(Stream);

function activeProperty(kind: MediaKind): 'audioActive' | 'videoActive' {
  return kind === 'audio' ? 'audioActive' : 'videoActive';
}
