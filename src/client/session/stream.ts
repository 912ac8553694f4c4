import type { StreamId, TypeOfVideo } from '../../protocol/ids.ts';
import type { MediaKind, StreamInfo } from '../../protocol/model.ts';
import type { StreamManager } from '../media/stream-manager.ts';
import type { Connection } from './connection.ts';

/** What a participant sends. The object stays the same when the session is rebuilt after a crash; its id changes. */
export class Stream {
  readonly connection: Connection;
  /** The publisher or subscriber of this stream in this page. */
  streamManager: StreamManager | undefined;
  #info: StreamInfo;

  constructor(connection: Connection, info: StreamInfo) {
    this.connection = connection;
    this.#info = info;
  }

  get streamId(): StreamId {
    return this.#info.streamId;
  }

  /** Unix time, ms. */
  get creationTime(): number {
    return this.#info.createdAt;
  }

  get hasAudio(): boolean {
    return this.#info.hasAudio;
  }

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

  get typeOfVideo(): TypeOfVideo | undefined {
    return this.#info.typeOfVideo;
  }

  /** Frames per second asked of the camera. */
  get frameRate(): number | undefined {
    return this.#info.frameRate;
  }

  /** Pixels. */
  get videoDimensions(): { readonly width: number; readonly height: number } | undefined {
    return this.#info.videoDimensions;
  }

  /** The media, once there is some; the object stays the same for the stream's life. */
  getMediaStream(): MediaStream | undefined {
    return this.streamManager?.mediaStream;
  }

  /** The connection that carries it now: for statistics. */
  getRTCPeerConnection(): RTCPeerConnection | undefined {
    return this.streamManager?.peerConnection;
  }

  /** For the SDK's own use. */
  update(info: StreamInfo): void {
    this.#info = info;
  }

  /** For the SDK's own use. Answers whether this is news. */
  setActive(kind: MediaKind, active: boolean): boolean {
    const property = kind === 'audio' ? 'audioActive' : 'videoActive';
    if (this.#info[property] === active) return false;
    this.#info = { ...this.#info, [property]: active };
    return true;
  }
}
