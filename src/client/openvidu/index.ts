/**
 * The browser SDK's whole public surface, with the names that only OpenVidu applications use. Bundlers import this
 * module.
 *
 * @module rejoin
 */
import { extendForOpenVidu } from './extend.ts';

export * from '../index.ts';
export { Filter } from './filter.ts';
export { LocalRecorder, LocalRecorderState } from './local-recorder.ts';
export type { ConnectionOptions, InboundStreamOptions, OutboundStreamOptions } from './stream-options.ts';
/** OpenVidu's common base of the event maps, which is empty. */
export type EventMap = object;

extendForOpenVidu();
