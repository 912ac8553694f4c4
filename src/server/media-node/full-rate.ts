import type { types } from 'mediasoup';

/** ms after a viewer starts. The upper temporal layers are usually known by then; at low frame rates it takes a little longer. */
const LOOKS_MS = [150, 300, 600] as const;

/**
 * Gives a viewer the full frame rate sooner. If a video has several temporal layers, as Firefox sends it, a viewer starts with
 * only some of the frames. mediasoup doesn't know the bitrate of the others yet, and checks again after more than a second. A change of the preferred
 * layers makes it check at once.
 */
export function hurryToFullRate(consumer: types.Consumer): void {
  const timers = LOOKS_MS.map((ms) => setTimeout(() => look(consumer).catch(() => {}), ms));
  consumer.observer.once('close', () => {
    for (const timer of timers) clearTimeout(timer);
  });
}

async function look(consumer: types.Consumer): Promise<void> {
  const { spatialLayer, temporalLayer = 0 } = consumer.preferredLayers ?? { spatialLayer: 0 };
  if (temporalLayer < 1) return;
  await consumer.setPreferredLayers({ spatialLayer, temporalLayer: temporalLayer - 1 });
  await consumer.setPreferredLayers({ spatialLayer: consumer.preferredLayers?.spatialLayer ?? spatialLayer });
}
