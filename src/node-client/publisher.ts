import { boolean, type Json, object, optionalNumber, optionalString, string } from './json.ts';

/** A stream that a connection publishes. */
export class Publisher {
  /** `str_<CAM|SCR|CUS|MIC>_…_con_…` */
  readonly streamId: string;
  /** Unix time, ms. */
  readonly createdAt: number;
  /** Whether the stream has audio, muted or not. */
  readonly hasAudio: boolean;
  /** Whether the stream has video, turned off or not. */
  readonly hasVideo: boolean;
  /** Whether audio is unmuted; false without audio. */
  readonly audioActive: boolean;
  /** Whether video is turned on; false without video. */
  readonly videoActive: boolean;
  /** Frames per second requested from the camera; null if unspecified. */
  readonly frameRate: number | null;
  /** `CAMERA`, `SCREEN` or `CUSTOM`; null without video. */
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
