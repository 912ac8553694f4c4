import { stampedTrack } from './stamped-video.ts';

/** `camera`: the browser's pretended one. `stamped`: a picture whose frames are numbered. */
export type Source = 'camera' | 'stamped';

let tracks: Promise<readonly MediaStreamTrack[]> | undefined;

/** Runs in the page. Microphone and picture, opened once, so that no trial waits for a camera. */
export function ownTracks(source: Source): Promise<readonly MediaStreamTrack[]> {
  tracks ??= open(source);
  return tracks;
}

async function open(source: Source): Promise<readonly MediaStreamTrack[]> {
  const video = source === 'camera' ? { width: 640, height: 480, frameRate: 30 } : false;
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video });
  return source === 'camera' ? media.getTracks() : [...media.getTracks(), stampedTrack()];
}
