import type { ExceptionEventName } from '../errors.ts';
import type { StreamPropertyChange } from '../events.ts';
import type { Stream } from '../session/stream.ts';
import type { Subscriber } from './subscriber.ts';

/** The session of a stream, as its publisher or subscriber needs it: what they tell is told to its listeners, too. */
export interface StreamAudience {
  /** Whether somebody listens there for who speaks. */
  readonly hearsSpeech: boolean;
  speaking(type: 'publisherStartSpeaking' | 'publisherStopSpeaking', stream: Stream): void;
  streamChanged(stream: Stream, change: StreamPropertyChange): void;
  /** Something is wrong with what is received. */
  exception(name: ExceptionEventName, message: string, detail: { origin: Subscriber; data?: unknown }): void;
}
