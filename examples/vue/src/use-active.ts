import type { StreamManager } from 'rejoin';
import { onScopeDispose, type Ref, ref } from 'vue';

/** Whether a publisher's or subscriber's audio and video are on, as its publisher mutes and unmutes them. */
export function useActive(manager: StreamManager): { readonly audio: Ref<boolean>; readonly video: Ref<boolean> } {
  const audio = ref(manager.stream.audioActive);
  const video = ref(manager.stream.videoActive);
  const read = () => {
    audio.value = manager.stream.audioActive;
    video.value = manager.stream.videoActive;
  };
  manager.on('streamPropertyChanged', read);
  onScopeDispose(() => manager.off('streamPropertyChanged', read));
  return { audio, video };
}
