import type {
  ChangedPropertyType,
  Connection,
  Publisher,
  Session,
  Stream,
  StreamPropertyValue,
} from '../../src/client/index.ts';
import type { EventLog } from './event-log.ts';
import { nameOf } from './person-name.ts';

/** Texts for reasons of leaving or ending; empty for voluntary ones. */
const REASONS: Readonly<Record<string, string>> = {
  disconnect: '',
  unpublish: '',
  forceDisconnectByUser: 'removed by a moderator',
  forceDisconnectByServer: 'removed by the server',
  forceUnpublishByUser: 'stopped by a moderator',
  forceUnpublishByServer: 'stopped by the server',
  sessionClosedByServer: 'the room was closed',
  networkDisconnect: 'the connection was lost',
  nodeCrashed: 'the node crashed',
};

function reasonOf(reason = ''): string {
  return REASONS[reason] ?? reason;
}

const CAUSES: Readonly<Record<string, string>> = {
  socketClosed: 'the socket closed',
  heartbeatMissed: 'no heartbeat',
  nodeCrashed: 'the node crashed',
  moved: 'the server asked to move',
  unavailable: 'the server is not available',
};

/** The cause of a failure, in words. */
export function causeOf(cause: string): string {
  return CAUSES[cause] ?? cause;
}

/** Logs the events of a session. Call it before the session connects. */
export function logSession(session: Session, log: EventLog): void {
  const isOwn = (connection: Connection): boolean => connection === session.connection;
  const who = (connection: Connection): string => (isOwn(connection) ? 'You' : nameOf(connection));

  session.on('connectionCreated', ({ connection }) => {
    const { connectionId } = connection;
    const title = isOwn(connection) ? 'You joined' : `${nameOf(connection)} joined`;
    log.add('connectionCreated', 'info', title, { note: connectionId, detail: { connectionId } });
  });
  session.on('connectionDestroyed', ({ connection, reason }) => {
    const { connectionId } = connection;
    log.add('connectionDestroyed', 'info', `${who(connection)} left`, {
      note: reasonOf(reason),
      detail: { connectionId, reason },
    });
  });
  session.on('connectionPresence', ({ connection, presence }) => {
    const { connectionId } = connection;
    const title = `${who(connection)} ${presence === 'away' ? 'lost the connection' : 'is connected again'}`;
    const tone = presence === 'away' ? 'warn' : 'good';
    log.add('connectionPresence', tone, title, { detail: { connectionId, presence } });
  });
  session.on('streamCreated', ({ stream }) => {
    const { streamId } = stream;
    log.add('streamCreated', 'info', `${who(stream.connection)} sends ${mediaOf(stream)}`, {
      note: streamId,
      detail: { streamId },
    });
  });
  session.on('streamDestroyed', ({ stream, reason }) => {
    const { streamId } = stream;
    log.add('streamDestroyed', 'info', `${who(stream.connection)} no longer sends ${mediaOf(stream)}`, {
      note: reasonOf(reason),
      detail: { streamId, reason },
    });
  });
  session.on('streamPropertyChanged', ({ stream, changedProperty, newValue }) => {
    log.add('streamPropertyChanged', 'info', `${who(stream.connection)} ${changeOf(changedProperty, newValue)}`, {
      note: stream.streamId,
      // Of a track, the id is the only useful value.
      detail: { changedProperty, newValue: newValue instanceof MediaStreamTrack ? newValue.id : newValue },
    });
  });
  session.on('reconnecting', ({ attempt, nextDelayMs, plane, cause }) => {
    log.add('reconnecting', 'warn', `Reconnecting #${attempt} in ${nextDelayMs} ms`, {
      note: `${plane === 'media' ? 'media: ' : ''}${causeOf(cause)}`,
      detail: { attempt, nextDelayMs, plane, cause },
    });
  });
  session.on('reconnected', ({ durationMs, kind }) => {
    log.add('reconnected', 'good', 'Reconnected', { note: kind, durationMs, detail: { kind } });
  });
  session.on('sessionDestroyed', ({ reason }) => {
    log.add('sessionDestroyed', 'bad', 'The session was destroyed', { note: causeOf(reason), detail: { reason } });
  });
  session.on('rebuilding', ({ attempt, nextDelayMs, cause }) => {
    log.add('rebuilding', 'warn', `Rebuilding #${attempt} in ${nextDelayMs} ms`, {
      note: causeOf(cause),
      detail: { attempt, nextDelayMs, cause },
    });
  });
  session.on('rebuilt', ({ durationMs, kind }) => {
    log.add('rebuilt', 'good', 'Rebuilt', {
      note: session.connection?.connectionId ?? '',
      durationMs,
      detail: { kind },
    });
  });
  session.on('sessionDisconnected', ({ reason }) => {
    const tone = reason === 'disconnect' ? 'info' : 'bad';
    const title = reason === 'disconnect' ? 'You left' : 'Disconnected';
    log.add('sessionDisconnected', tone, title, { note: reasonOf(reason), detail: { reason } });
  });
  session.on('exception', ({ name, message }) => {
    log.add('exception', 'bad', name, { note: message, detail: { name, message } });
  });
}

/** Logs the events of own streams, which only their publisher emits. */
export function logPublisher(publisher: Publisher, log: EventLog): void {
  publisher.on('streamCreated', ({ stream: { streamId } }) => {
    log.add('streamCreated', 'info', 'You are on air', { note: streamId, detail: { streamId, own: true } });
  });
  publisher.on('streamDestroyed', ({ stream: { streamId }, reason }) => {
    log.add('streamDestroyed', 'info', 'You are no longer on air', {
      note: reasonOf(reason),
      detail: { streamId, reason, own: true },
    });
  });
}

/** Describes the change of a property. */
function changeOf(property: ChangedPropertyType, value: StreamPropertyValue): string {
  const what = property.startsWith('audio') ? 'microphone' : 'camera';
  if (typeof value === 'boolean') return `turned the ${what} ${value ? 'on' : 'off'}`;
  if ('width' in value) return `sends ${value.width}×${value.height}`;
  return value instanceof MediaStreamTrack ? `is received over another ${what} track` : `changed the ${what}`;
}

function mediaOf({ hasVideo, typeOfVideo }: Stream): string {
  if (!hasVideo) return 'sound';
  return typeOfVideo === 'SCREEN' ? 'a screen' : 'video';
}
