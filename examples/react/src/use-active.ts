import { useCallback, useSyncExternalStore } from 'react';
import type { StreamManager } from 'rejoin';

/** Whether a publisher's or subscriber's audio and video are on, as its publisher mutes and unmutes them. */
export function useActive(manager: StreamManager): { readonly audio: boolean; readonly video: boolean } {
  const subscribe = useCallback(
    (changed: () => void) => {
      manager.on('streamPropertyChanged', changed);
      return () => void manager.off('streamPropertyChanged', changed);
    },
    [manager],
  );
  const audio = useSyncExternalStore(subscribe, () => manager.stream.audioActive);
  const video = useSyncExternalStore(subscribe, () => manager.stream.videoActive);
  return { audio, video };
}
