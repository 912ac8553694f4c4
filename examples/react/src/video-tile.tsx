import { useEffect, useRef } from 'react';
import type { StreamManager } from 'rejoin';
import { useActive } from './use-active.ts';

export function VideoTile({ manager, name }: { manager: StreamManager; name: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const active = useActive(manager);

  // The SDK keeps the element playing across crashes, and mutes the user's own voice in it.
  useEffect(() => {
    if (video.current) manager.addVideoElement(video.current);
  }, [manager]);

  return (
    <figure>
      <video ref={video} autoPlay playsInline />
      <figcaption>
        {name} {active.audio ? '' : '(muted)'} {active.video ? '' : '(camera off)'}
      </figcaption>
    </figure>
  );
}
