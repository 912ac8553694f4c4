import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { StreamManager } from '../../src/client/index.ts';
import type { FrameGaps } from '../model/frame-gaps.ts';
import type { TileModel } from '../model/tile.ts';

/** The video of a publisher or subscriber for its whole life; the SDK replaces its media. */
export function LiveVideo({
  manager,
  tile,
  gaps,
}: {
  manager: StreamManager;
  tile: TileModel;
  gaps: FrameGaps;
}): JSX.Element {
  const element = useRef<HTMLVideoElement>(null);
  const latest = useRef(tile);
  latest.current = tile;
  useLayoutEffect(() => {
    const video = element.current;
    if (!video) return;
    manager.addVideoElement(video);
    if (!manager.remote) return;
    return gaps.watch(video, () => ({ name: latest.current.name, active: latest.current.videoOn }));
  }, [manager]);
  // biome-ignore lint/a11y/useMediaCaption: live speech has no captions.
  return <video ref={element} autoplay playsInline disablePictureInPicture />;
}
