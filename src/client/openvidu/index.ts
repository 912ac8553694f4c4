/**
 * The browser SDK's whole public surface, with what only applications of OpenVidu name: everything a bundler's user imports.
 *
 * @module rejoin
 */
import { extendForOpenVidu } from './extend.ts';

export * from '../index.ts';
export { Filter } from './filter.ts';
export { LocalRecorder, LocalRecorderState } from './local-recorder.ts';
export type { ConnectionOptions, InboundStreamOptions, OutboundStreamOptions } from './stream-options.ts';
/** OpenVidu's: what the maps of events have in common, which is nothing. */
export type EventMap = object;

extendForOpenVidu();
