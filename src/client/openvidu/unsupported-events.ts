import { RejoinEvent } from '../events.ts';
import type { Connection } from '../session/connection.ts';
import type { Session } from '../session/session.ts';

/** Why a recording has ended. OpenVidu's; never told. */
export type RecordingEventReason =
  | 'recordingStoppedByServer'
  | 'sessionClosedByServer'
  | 'automaticStop'
  | 'nodeCrashed';
/** Whether a sentence is finished. OpenVidu's; never told. */
export type SpeechToTextEventReason = 'recognizing' | 'recognized';

/** `recordingStarted`, `recordingStopped`. Never told, as nothing is recorded: for programs that name its type. */
export class RecordingEvent extends RejoinEvent<Session> {
  /** Of the recording. */
  declare readonly id: string;
  /** Of the recording. */
  declare readonly name?: string;
  /** For `recordingStopped`. */
  declare readonly reason?: RecordingEventReason;
}

/** An event of a filter. Never told, as there are none: for programs that name its type. */
export class FilterEvent extends RejoinEvent {
  /** The filter's own. */
  declare readonly data: unknown;
}

/** `speechToTextMessage`. Never told, as nothing is transcribed: for programs that name its type. */
export class SpeechToTextEvent extends RejoinEvent<Session> {
  /** Who has spoken. */
  declare readonly connection: Connection;
  /** What. */
  declare readonly text: string;
  /** Whether that is all of it. */
  declare readonly reason: SpeechToTextEventReason;
  /** As the recogniser has put it. */
  declare readonly raw: string;
  /** In which language. */
  declare readonly lang: string;
}
