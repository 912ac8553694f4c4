import type { MediaKind } from '../../protocol/model.ts';
import type { VideoDimensions } from '../session/stream.ts';

/**
 * A track in place of one that has ended, black or silent: a stream that is published again after a crash has all of its
 * parts, also where the camera has been freed.
 */
export function placeholderTrack(kind: MediaKind, { width, height }: VideoDimensions): MediaStreamTrack | undefined {
  if (kind === 'audio') {
    const context = new AudioContext();
    const [silence] = context.createMediaStreamDestination().stream.getAudioTracks();
    // Its track lives on.
    context.close().catch(() => {});
    return silence;
  }
  const canvas = document.createElement('canvas');
  if (width && height) Object.assign(canvas, { width, height });
  // Some browsers capture nothing of a canvas that has never been drawn on.
  canvas.getContext('2d')?.fillRect(0, 0, canvas.width, canvas.height);
  return canvas.captureStream(0).getVideoTracks()[0];
}
