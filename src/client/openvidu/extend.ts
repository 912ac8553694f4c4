import { notSupported } from '../errors.ts';
import { Rejoin } from '../rejoin.ts';
import { Session } from '../session/session.ts';
import { Stream } from '../session/stream.ts';
import { LocalRecorder } from './local-recorder.ts';

/**
 * Gives the SDK's classes the methods that only applications of OpenVidu call, which say that there is no such feature. The
 * types have them everywhere, and `rejoin.min.js` has no room for them.
 */
export function extendForOpenVidu(): void {
  const filters = (): Promise<never> => Promise.reject(notSupported('Filters'));
  const transcriptions = (): Promise<never> => Promise.reject(notSupported('Transcriptions'));
  Object.assign(Stream.prototype, { applyFilter: filters, removeFilter: filters } satisfies Partial<Stream>);
  Object.assign(Session.prototype, {
    subscribeToSpeechToText: transcriptions,
    unsubscribeFromSpeechToText: transcriptions,
  } satisfies Partial<Session>);
  Object.assign(Rejoin.prototype, { initLocalRecorder: () => new LocalRecorder() } satisfies Partial<Rejoin>);
}
