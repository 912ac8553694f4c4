import type { LeaveReason, NetworkQuality, Role, StreamEndReason } from '../../protocol/model.ts';
import type { ExceptionEventName } from '../errors.ts';
import {
  ConnectionEvent,
  ConnectionPresenceEvent,
  ConnectionPropertyChangedEvent,
  ExceptionEvent,
  NetworkQualityLevelChangedEvent,
  PublisherSpeakingEvent,
  StreamEvent,
  type StreamPropertyChange,
  StreamPropertyChangedEvent,
} from '../events.ts';
import type { StreamAudience } from '../media/stream-audience.ts';
import { Subscriber } from '../media/subscriber.ts';
import {
  AttemptEvent,
  RecoveredEvent,
  type RecoveryKind,
  SessionDestroyedEvent,
  StateEvent,
} from '../recovery-events.ts';
import type { Connection } from './connection.ts';
import type { Attempt } from './lifecycle-events.ts';
import type { Session } from './session.ts';
import type { SessionState } from './session-state.ts';
import type { Stream } from './stream.ts';

/** Emits the events of a session, and of its publishers and subscribers. */
export class Announcer implements StreamAudience {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  connectionCreated(connection: Connection): void {
    this.#session.emitEvent('connectionCreated', new ConnectionEvent('connectionCreated', this.#session, connection));
  }

  connectionDestroyed(connection: Connection, reason: LeaveReason): void {
    const event = new ConnectionEvent('connectionDestroyed', this.#session, connection, reason);
    this.#session.emitEvent('connectionDestroyed', event);
  }

  presenceChanged(connection: Connection, presence: 'here' | 'away'): void {
    this.#session.emitEvent('connectionPresence', new ConnectionPresenceEvent(this.#session, connection, presence));
  }

  roleChanged(connection: Connection, role: Role, before: Role): void {
    const event = new ConnectionPropertyChangedEvent(this.#session, connection, role, before);
    this.#session.emitEvent('connectionPropertyChanged', event);
  }

  networkQualityChanged(connection: Connection, level: NetworkQuality, before: NetworkQuality): void {
    const event = new NetworkQualityLevelChangedEvent(this.#session, level, before, connection);
    this.#session.emitEvent('networkQualityLevelChanged', event);
  }

  streamCreated(stream: Stream): void {
    this.#session.emitEvent('streamCreated', new StreamEvent<Session>('streamCreated', this.#session, stream));
  }

  /** For a remote stream; performs the default action, too. */
  streamDestroyed(stream: Stream, reason: StreamEndReason): void {
    const event = new StreamEvent<Session>('streamDestroyed', this.#session, stream, reason);
    this.#session.emitEvent('streamDestroyed', event);
    if (event.isDefaultPrevented() || !(stream.manager instanceof Subscriber)) return;
    const subscriber = stream.manager;
    subscriber.stop();
    subscriber.removeAllVideos();
  }

  streamChanged(stream: Stream, change: StreamPropertyChange): void {
    const event = new StreamPropertyChangedEvent<Session>(this.#session, stream, change);
    this.#session.emitEvent('streamPropertyChanged', event);
    const { manager } = stream;
    manager?.emitEvent('streamPropertyChanged', new StreamPropertyChangedEvent(manager, stream, change));
  }

  get hearsSpeech(): boolean {
    return this.#session.hasListeners('publisherStartSpeaking') || this.#session.hasListeners('publisherStopSpeaking');
  }

  /** For the session only: the stream's publisher or subscriber has emitted its own event. */
  speaking(type: 'publisherStartSpeaking' | 'publisherStopSpeaking', { connection, streamId }: Stream): void {
    this.#session.emitEvent(type, new PublisherSpeakingEvent<Session>(type, this.#session, connection, streamId));
  }

  state(state: SessionState, progress: Attempt | undefined): void {
    this.#session.emitEvent('state', new StateEvent(this.#session, state, progress));
  }

  sessionDestroyed(): void {
    this.#session.emitEvent('sessionDestroyed', new SessionDestroyedEvent(this.#session));
  }

  attempt(type: 'reconnecting' | 'rebuilding', plane: 'signaling' | 'media', attempt: Attempt): void {
    this.#session.emitEvent(type, new AttemptEvent(type, this.#session, { plane, ...attempt }));
  }

  recovered(type: 'reconnected' | 'rebuilt', kind: RecoveryKind, durationMs: number): void {
    this.#session.emitEvent(type, new RecoveredEvent(type, this.#session, { durationMs, kind }));
  }

  /** `origin`: the affected object; default: the session. */
  exception(
    name: ExceptionEventName,
    message: string,
    detail: { origin?: Stream | Subscriber; data?: unknown } = {},
  ): void {
    const event = new ExceptionEvent(this.#session, { name, message, origin: this.#session, ...detail });
    this.#session.emitEvent('exception', event);
  }
}
