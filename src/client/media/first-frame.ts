/**
 * Resolves `true` when a frame of `track` can be shown, `false` when none has come within `timeoutMs`. A hidden video
 * of its own looks, so that what the page shows is not touched before there is something to show.
 */
export function firstFrame(track: MediaStreamTrack, timeoutMs: number): Promise<boolean> {
  const probe = document.createElement('video');
  probe.muted = true;
  probe.playsInline = true;
  // Not display:none: some browsers do not decode what has no box.
  probe.style.cssText = 'position:fixed;width:1px;height:1px;opacity:0;pointer-events:none;left:0;top:0';
  probe.srcObject = new MediaStream([track]);
  document.body.append(probe);
  return new Promise<boolean>((resolve) => {
    const end = (seen: boolean): void => {
      clearTimeout(timer);
      resolve(seen);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    // Whichever comes first: a tab in the background draws no frames, but still decodes them.
    if ('requestVideoFrameCallback' in probe) probe.requestVideoFrameCallback(() => end(true));
    (probe as HTMLVideoElement).addEventListener('loadeddata', () => end(true), { once: true });
    probe.play().catch(() => {});
  }).finally(() => {
    probe.srcObject = null;
    probe.remove();
  });
}
