import type { types } from 'mediasoup';

/** ms after a viewer begins: the temporal layers above the first are known by then, and a little later at low frame rates. */
const LOOKS_MS = [150, 300, 600] as const;

/**
 * A viewer of a video whose layers are each in several temporal parts, as Firefox sends them, begins with a part of the frames:
 * mediasoup doesn't know yet how much the others take, and looks again after more than a second. A change of what is preferred
 * makes it look at once.
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
