import { boolean, type Json, object, optionalNumber, optionalString, string } from './json.ts';

/** A stream that a connection publishes. */
export class Publisher {
  /** `str_<CAM|SCR|CUS|MIC>_…_con_…` */
  readonly streamId: string;
  /** Unix time, ms. */
  readonly createdAt: number;
  /** Whether it has a microphone, be it muted. */
  readonly hasAudio: boolean;
  /** Whether it has a picture, be it turned off. */
  readonly hasVideo: boolean;
  /** Not muted; false without audio. */
  readonly audioActive: boolean;
  /** Not muted; false without video. */
  readonly videoActive: boolean;
  /** Frames per second that were asked of the camera; null when nothing was said of it. */
  readonly frameRate: number | null;
  /** `CAMERA`, `SCREEN`, `CUSTOM`; null without video. */
  readonly typeOfVideo: string | null;
  /** JSON, `{"width":640,"height":480}`; null without video. */
  readonly videoDimensions: string | null;

  /** @internal */
  constructor(json: Json) {
    const media = object(json['mediaOptions'], 'mediaOptions');
    this.streamId = string(json, 'streamId');
    this.createdAt = optionalNumber(json, 'createdAt') ?? 0;
    this.hasAudio = boolean(media, 'hasAudio');
    this.hasVideo = boolean(media, 'hasVideo');
    this.audioActive = boolean(media, 'audioActive');
    this.videoActive = boolean(media, 'videoActive');
    this.frameRate = optionalNumber(media, 'frameRate');
    this.typeOfVideo = optionalString(media, 'typeOfVideo');
    this.videoDimensions = optionalString(media, 'videoDimensions');
  }
}
