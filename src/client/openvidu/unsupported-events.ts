import { RejoinEvent } from '../events.ts';
import type { Connection } from '../session/connection.ts';
import type { Session } from '../session/session.ts';

/** Why a recording has ended. OpenVidu's; never used. */
export type RecordingEventReason =
  | 'recordingStoppedByServer'
  | 'sessionClosedByServer'
  | 'automaticStop'
  | 'nodeCrashed';
/** Whether a sentence is finished. OpenVidu's; never used. */
export type SpeechToTextEventReason = 'recognizing' | 'recognized';

/**
 * `recordingStarted`, `recordingStopped`. Never emitted, because nothing is recorded; for programs that name the
 * type.
 */
export class RecordingEvent extends RejoinEvent<Session> {
  /** The recording's id. */
  declare readonly id: string;
  /** The recording's name. */
  declare readonly name?: string;
  /** Of `recordingStopped`. */
  declare readonly reason?: RecordingEventReason;
}

/** An event of a filter. Never emitted, because there are no filters; for programs that name the type. */
export class FilterEvent extends RejoinEvent {
  /** The filter's own data. */
  declare readonly data: unknown;
}

/** `speechToTextMessage`. Never emitted, because nothing is transcribed; for programs that name the type. */
export class SpeechToTextEvent extends RejoinEvent<Session> {
  /** The speaker's connection. */
  declare readonly connection: Connection;
  /** The spoken text. */
  declare readonly text: string;
  /** Whether the text is final. */
  declare readonly reason: SpeechToTextEventReason;
  /** The recogniser's raw output. */
  declare readonly raw: string;
  /** The language of the text. */
  declare readonly lang: string;
}
