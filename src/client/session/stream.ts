import type { StreamId } from '../../protocol/ids.ts';
import type { MediaKind, StreamChange, StreamInfo } from '../../protocol/model.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import type { TypeOfVideo } from '../openvidu/type-of-video.ts';
import type { Connection } from './connection.ts';

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
 * publisher's own is there from the start, and has an id, a time and a connection once it is published.
 */
export class Stream {
  /** Whose it is. Its type is OpenVidu's: of a publisher's stream that has not been published, it is `undefined`. */
  connection!: Connection;
  #info: StreamInfo;
  #manager: StreamManager | undefined;
  #lastManager: StreamManager | undefined;

  /** @internal */
  constructor(info: StreamInfo, connection?: Connection) {
    this.#info = info;
    if (connection) this.connection = connection;
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

  /** `str_<CAM|SCR|CUS|MIC>_xxxx_<connectionId>`; empty as long as it has not been published. */
  get streamId(): StreamId {
    return this.#info.streamId;
  }

  /** When it was published: Unix time, ms. 0 as long as it has not been. */
  get creationTime(): number {
    return this.#info.createdAt;
  }

  /** Whether it has a track of audio. */
  get hasAudio(): boolean {
    return this.#info.hasAudio;
  }

  /** Whether it has a track of video. */
  get hasVideo(): boolean {
    return this.#info.hasVideo;
  }

  /** `false` while the publisher has muted its microphone. */
  get audioActive(): boolean {
    return this.#info.audioActive;
  }

  /** `false` while the publisher has muted its camera. */
  get videoActive(): boolean {
    return this.#info.videoActive;
  }

  /** What the video shows; `undefined` without video. */
  get typeOfVideo(): TypeOfVideo | undefined {
    return this.#info.typeOfVideo;
  }

  /** Frames per second asked of the camera. */
  get frameRate(): number | undefined {
    return this.#info.frameRate;
  }

  /** Pixels; both 0 as long as nobody knows. */
  get videoDimensions(): VideoDimensions {
    return this.#info.videoDimensions ?? { width: 0, height: 0 };
  }

  /**
   * The publisher or subscriber of this stream in this page, also when that is over. Its type is OpenVidu's: of a stream that
   * nobody has subscribed to, it is `undefined`.
   */
  get streamManager(): StreamManager {
    return this.#lastManager as StreamManager;
  }

  /** The media; the object stays the same for the stream's life. It has no tracks before they arrive. */
  getMediaStream(): MediaStream {
    return this.#lastManager?.mediaStream as MediaStream;
  }

  /** The connection that carries it now: for statistics. `undefined` as long as there is none. */
  getRTCPeerConnection(): RTCPeerConnection {
    return this.#lastManager?.peerConnection as RTCPeerConnection;
  }

  /** @internal How often its publisher has moved it to another transport. */
  get renewal(): number {
    return this.#info.renewal ?? 0;
  }

  /** @internal */
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
    if (manager) this.#lastManager = manager;
  }

  /** @internal */
  update(info: Partial<StreamInfo>): void {
    this.#info = { ...this.#info, ...info };
  }

  /** @internal Answers whether this is news. */
  setActive(kind: MediaKind, active: boolean): boolean {
    const property = kind === 'audio' ? 'audioActive' : 'videoActive';
    if (this.#info[property] === active) return false;
    this.#info = { ...this.#info, [property]: active };
    return true;
  }

  /** @internal A change that its publisher has told. */
  change(change: StreamChange): void {
    if (change.property === 'videoDimensions') this.#info = { ...this.#info, videoDimensions: change.value };
  }
}
