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

/** Pixels. */
export interface VideoDimensions {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** What a publisher is about to send, before it is published. */
export type UnpublishedStream = Pick<
  StreamInfo,
  'hasAudio' | 'hasVideo' | 'audioActive' | 'videoActive' | 'typeOfVideo' | 'frameRate'
>;

/**
 * What a participant sends. The object stays the same when the session is rebuilt after a crash; its id changes. A
 * publisher's own is there from the start. It has a connection as soon as it is being published, and an id and a time once it is.
 *
 * What can change is an own property, because that is what Vue 2 can watch.
 */
export class Stream {
  /** Whose it is. Its type is OpenVidu's: of a publisher's stream that nobody has begun to publish, it is `undefined`. */
  readonly connection!: Connection;
  /**
   * Where it is published, or will most likely be. Its type is OpenVidu's: of a publisher that was made before any session, it
   * is `undefined`.
   */
  readonly session!: Session;
  /** `str_<CAM|SCR|CUS|MIC>_xxxx_<connectionId>`; empty as long as it has not been published. */
  readonly streamId!: StreamId;
  /** When it was published: Unix time, ms. 0 as long as it has not been. */
  readonly creationTime!: number;
  /** Whether it has a track of audio. */
  readonly hasAudio!: boolean;
  /** Whether it has a track of video. */
  readonly hasVideo!: boolean;
  /** `false` while the publisher has muted its microphone, or from `subscribeToAudio(false)` on. */
  readonly audioActive!: boolean;
  /** `false` while the publisher has muted its camera, or from `subscribeToVideo(false)` on. */
  readonly videoActive!: boolean;
  /** What the video shows; `undefined` without video. */
  readonly typeOfVideo: TypeOfVideo | undefined;
  /** Frames per second asked of the camera. */
  readonly frameRate: number | undefined;
  /** Pixels; both 0 as long as nobody knows. */
  readonly videoDimensions: VideoDimensions = { width: 0, height: 0 };
  /**
   * The publisher or subscriber of this stream in this page, also when that is over. Its type is OpenVidu's: of a stream that
   * nobody has subscribed to, it is `undefined`.
   */
  readonly streamManager!: StreamManager;
  /** OpenVidu's. There are no filters: never set. */
  declare readonly filter?: Filter;
  /**
   * OpenVidu's. There are no filters: rejects. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly applyFilter: (type: string, options: object) => Promise<Filter>;
  /**
   * OpenVidu's. There are no filters: rejects. Not in `rejoin.min.js`.
   * @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED
   */
  declare readonly removeFilter: () => Promise<void>;
  /** OpenVidu's: whether it is a publisher's. Not in `rejoin.min.js`. */
  declare readonly isLocal: () => boolean;
  /** OpenVidu's: whether it is a publisher's, and published. Not in `rejoin.min.js`. */
  declare readonly isLocalStreamPublished: boolean;
  /** OpenVidu's, of others' streams: what the server has told. Not in `rejoin.min.js`. */
  declare readonly inboundStreamOpts: InboundStreamOptions | undefined;
  /** OpenVidu's, of a publisher's stream: what it was made with. Not in `rejoin.min.js`. */
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

  /** @internal A publisher's, before it is published. */
  static unpublished(wanted: UnpublishedStream): Stream {
    return new Stream({
      ...wanted,
      streamId: '' as StreamId,
      connectionId: '' as StreamInfo['connectionId'],
      createdAt: 0,
    });
  }

  /** The media; the object stays the same for the stream's life. It has no tracks before they arrive. */
  getMediaStream(): MediaStream {
    return this.streamManager?.shownStream;
  }

  /** The connection that carries it now: for statistics. `undefined` as long as there is none. */
  getRTCPeerConnection(): RTCPeerConnection {
    return this.streamManager?.peerConnection as RTCPeerConnection;
  }

  /**
   * Gets its media over a new connection, together with all other media of this client's, which the session tells as
   * `reconnecting` and `reconnected`. The SDK does so by itself where it helps.
   * @throws {RejoinError} OPENVIDU_NOT_CONNECTED
   */
  async reconnect(): Promise<void> {
    if (!this.session) throw notConnected('reconnect()');
    await this.session.renewMedia();
  }

  /** @internal How often its publisher has moved it to another transport. */
  get renewal(): number {
    return this.#info.renewal ?? 0;
  }

  /** @internal What its publisher has made of it. */
  get info(): StreamInfo {
    return this.#info;
  }

  /** @internal Like `streamManager`, as long as it sends or receives the stream. */
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

  /** @internal Answers whether this is news. */
  setActive(kind: MediaKind, active: boolean): boolean {
    const property = activeProperty(kind);
    if (this.#info[property] === active) return false;
    this.update({ [property]: active });
    return true;
  }

  /** @internal It is silent, or not seen, in this page only; or no longer. */
  setShown(kind: MediaKind, shown: boolean): void {
    const property = activeProperty(kind);
    this.#show({ [property]: shown && this.#info[property] });
  }

  /** @internal A change that its publisher has told. */
  change(change: StreamChange): void {
    if (change.property === 'videoDimensions') this.update({ videoDimensions: change.value });
  }

  /** Applications keep the publisher or subscriber in reactive state, and read the stream through that. */
  #show(change: Partial<Stream>): void {
    show<Stream>(this, change, proxyOf<Stream>(this) ?? (this.#manager && proxyOf(this.#manager)?.stream));
  }
}
worksInProxies(Stream);

function activeProperty(kind: MediaKind): 'audioActive' | 'videoActive' {
  return kind === 'audio' ? 'audioActive' : 'videoActive';
}
