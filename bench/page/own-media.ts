import { type Picture, stampedTrack } from './stamped-video.ts';

/** `camera`: the browser's fake camera. `stamped`: a picture with numbered frames. */
export type Source = 'camera' | 'stamped';

/** Small enough for one layer, so that most of the processor remains for the cluster. */
const STAMPED: Picture = { width: 320, height: 240, frameRate: 20 };

/** Widths of the pictures, px. */
export const STAMPED_WIDTH = STAMPED.width;
export const CAMERA_WIDTH = 640;

let tracks: Promise<readonly MediaStreamTrack[]> | undefined;

/** Runs in the page. Opens microphone and picture once, so that no trial waits for a camera. */
export function ownTracks(source: Source): Promise<readonly MediaStreamTrack[]> {
  tracks ??= open(source);
  return tracks;
}

async function open(source: Source): Promise<readonly MediaStreamTrack[]> {
  const video = source === 'camera' ? { width: CAMERA_WIDTH, height: 480, frameRate: 30 } : false;
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video });
  return source === 'camera' ? media.getTracks() : [...media.getTracks(), stampedTrack(STAMPED)];
}
