import type { Filter } from '../openvidu/filter.ts';
import type { UnpublishedStream } from '../session/stream.ts';
import type { MediaSources } from './devices.ts';
import type { VideoInsertMode } from './video-placement.ts';

/** The sources of a publisher, and how its own page shows them. */
export interface PublisherProperties extends MediaSources {
  /** Begins unmuted; default `true`. */
  readonly publishAudio?: boolean;
  /** Begins with the camera on; default `true`. */
  readonly publishVideo?: boolean;
  /** Where the video is put, relative to its target; default `APPEND`. */
  readonly insertMode?: VideoInsertMode | string;
  /** Whether local videos are shown mirrored; default `true`. A screen never is. */
  readonly mirror?: boolean;
  /**
   * Whether the video is sent in up to three qualities, so that each receiver gets what its network carries; default `true`, and
   * `false` for a screen. A video that is less than 480 pixels wide is sent in one.
   */
  readonly videoSimulcast?: boolean;
  /** OpenVidu's. There are no filters: with one, the sources are not opened, and `accessDenied` says so. */
  readonly filter?: Filter;
}

/** The stream that the properties describe, before its sources are open. */
export function plannedStream({
  audioSource,
  videoSource,
  publishAudio = true,
  publishVideo = true,
  frameRate,
}: PublisherProperties): UnpublishedStream {
  const hasAudio = audioSource !== false && audioSource !== null;
  const hasVideo = videoSource !== false && videoSource !== null;
  const given = typeof videoSource === 'object' && videoSource !== null;
  return {
    hasAudio,
    hasVideo,
    audioActive: hasAudio && publishAudio,
    videoActive: hasVideo && publishVideo,
    ...(hasVideo ? { typeOfVideo: videoSource === 'screen' ? 'SCREEN' : given ? 'CUSTOM' : 'CAMERA' } : {}),
    ...(frameRate === undefined ? {} : { frameRate }),
  };
}
