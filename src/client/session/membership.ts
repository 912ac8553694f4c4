import type { EventFrame, ServerEvents, Snapshot } from '../../protocol/frames.ts';
import type { ConnectionId } from '../../protocol/ids.ts';
import type { ConnectionInfo, LeaveReason } from '../../protocol/model.ts';
import type { AdvancedConfiguration } from '../advanced-configuration.ts';
import { SessionDisconnectedEvent, SignalEvent } from '../events.ts';
import { MediaPlane, type PathTrouble } from '../media/media-plane.ts';
import { Subscriber, type SubscriberProperties } from '../media/subscriber.ts';
import { Announcer } from './announcer.ts';
import { Connection } from './connection.ts';
import { Lifecycle } from './lifecycle.ts';
import { Participants, type ParticipantsEvents } from './participants.ts';
import { Recovery } from './recovery.ts';
import type { Session } from './session.ts';
import { SessionMedia } from './session-media.ts';
import type { SessionOptions } from './session-options.ts';
import { SignalInbox, signalEventName } from './signals.ts';
import type { Stream } from './stream.ts';

/** This client's membership in a session: turns messages of the server into state and events. */
export class Membership {
  readonly lifecycle: Lifecycle;
  readonly participants: Participants;
  readonly media: SessionMedia;
  readonly recovery: Recovery;
  /** This client's own connection, once there is one. */
  own: Connection | undefined;
  readonly #session: Session;
  readonly #configuration: AdvancedConfiguration;
  readonly #announcer: Announcer;
  readonly #signals = new SignalInbox();

  constructor(session: Session, options: SessionOptions, configuration: AdvancedConfiguration) {
    this.#session = session;
    this.#configuration = configuration;
    this.#announcer = new Announcer(session);
    this.lifecycle = new Lifecycle(options, () => this.media.keys);
    this.participants = this.#makeParticipants();
    this.media = this.#makeMedia();
    this.recovery = new Recovery({
      lifecycle: this.lifecycle,
      participants: this.participants,
      media: this.media,
      announcer: this.#announcer,
      own: () => this.own,
    });
    this.#followLifecycle();
  }

  /** Makes the receiver of a stream. */
  makeSubscriber(stream: Stream, properties: SubscriberProperties): Subscriber {
    return new Subscriber(stream, properties, { configuration: this.#configuration, audience: this.#announcer });
  }

  #makeParticipants(): Participants {
    const announcer = this.#announcer;
    const told: ParticipantsEvents = {
      connectionCreated: (connection) => announcer.connectionCreated(connection),
      connectionDestroyed: (connection, reason) => {
        announcer.connectionDestroyed(connection, reason);
      },
      streamCreated: (stream) => announcer.streamCreated(stream),
      streamRenewed: ({ manager }) => {
        if (manager instanceof Subscriber) void this.media.play(manager);
      },
      streamRerouted: ({ manager }) => {
        if (manager instanceof Subscriber) void this.media.playAnew(manager);
      },
      streamDestroyed: (stream, reason) => {
        if (stream.manager instanceof Subscriber) this.media.abandon(stream.manager);
        announcer.streamDestroyed(stream, reason);
      },
      streamChanged: (stream, change) => announcer.streamChanged(stream, change),
      presenceChanged: (connection, presence) => announcer.presenceChanged(connection, presence),
    };
    return new Participants(told, this.#session);
  }

  #makeMedia(): SessionMedia {
    const announcer = this.#announcer;
    const { request } = this.lifecycle;
    return new SessionMedia({
      request,
      joined: () => this.lifecycle.joined('publish()'),
      audience: announcer,
      planeTo: (place, iceServers) =>
        new MediaPlane({
          request,
          asksAgain: (attempts) => this.media.asksAgain(attempts),
          place,
          rtc: this.#configuration.peerConnectionFor(iceServers),
          silenceMs: () => this.#configuration.iceDisconnectedTimeout,
          troubled: (trouble) => this.#troubled(trouble),
          lost: (cause) => void this.recovery.renewTransports(cause),
        }),
      failed: (stream, error) => {
        const { manager, streamId } = stream;
        if (manager instanceof Subscriber) manager.cannotPlay(`Stream ${streamId} cannot be played: ${error}`, error);
        else if (manager) announcer.exception('PUBLISH_FAILED', `A stream could not be published again: ${error}`);
      },
    });
  }

  /** Emits an exception for every affected stream, or for the session if there is none. */
  #troubled({ name, direction, cause }: PathTrouble): void {
    const message = `A media path failed: ${cause}. The SDK looks for another; check the network if the media stays away.`;
    const streams = this.#session.streamManagers.flatMap(({ remote, stream }) =>
      remote === (direction === 'recv') ? stream : [],
    );
    const isOfStreams = name !== 'ICE_CANDIDATE_ERROR' && streams.length > 0;
    if (!isOfStreams) return this.#announcer.exception(name, message);
    for (const origin of streams) this.#announcer.exception(name, message, { origin });
  }

  #followLifecycle(): void {
    const lifecycle = this.lifecycle;
    const announcer = this.#announcer;
    lifecycle.on('state', (state, progress) => {
      if (progress && !this.#configuration.isQuiet) {
        const { cause, attempt, nextDelayMs } = progress;
        // biome-ignore lint/suspicious/noConsole: a developer looks there when a join takes long; enableProdMode() ends it
        console.warn(`Rejoin: not joined yet (${cause}), attempt ${attempt} in ${Math.round(nextDelayMs)} ms`);
      }
      announcer.state(state, progress);
    });
    lifecycle.on('started', (snapshot) => this.#start(snapshot));
    lifecycle.on('renewed', (snapshot, sameSession) => {
      this.#become(snapshot.self);
      this.recovery.renew(snapshot, sameSession);
    });
    lifecycle.on('reconciled', (snapshot) => {
      const { role, data } = snapshot.self;
      this.#become({ role, data });
      this.recovery.reconcile(snapshot);
      for (const { connectionId, networkQuality } of snapshot.others) {
        if (networkQuality !== undefined) this.#measured({ connectionId, level: networkQuality });
      }
    });
    lifecycle.on('event', (frame) => this.#take(frame));
    lifecycle.on('reconnecting', (attempt) => announcer.attempt('reconnecting', 'signaling', attempt));
    lifecycle.on('reconnected', (durationMs) => {
      if (this.#configuration.forceMediaReconnection) this.media.check(true);
      announcer.recovered('reconnected', 'resume', durationMs);
    });
    lifecycle.on('rebuilding', (attempt) => announcer.attempt('rebuilding', 'signaling', attempt));
    lifecycle.on('destroyed', () => {
      this.recovery.lose();
      announcer.sessionDestroyed();
    });
    lifecycle.on('lapsed', () => this.recovery.lose());
    lifecycle.on('suspended', () => {
      for (const manager of this.#session.streamManagers) manager.suspend();
    });
    lifecycle.on('resumed', () => {
      for (const manager of this.#session.streamManagers) manager.resume();
    });
    lifecycle.on('mediaDoubted', (sure) => this.media.check(sure));
    lifecycle.on('disconnected', (reason, cause) => this.#end(reason, cause));
    lifecycle.on('failed', (error) =>
      announcer.exception('SERVER_ERROR', `${error.message} ${error.action}`, { data: error }),
    );
  }

  #start({ self, others, media, iceServers }: Snapshot): void {
    const own = new Connection(self, this.#session);
    this.own = own;
    this.media.begin(media, iceServers);
    this.participants.addAll(others, () => this.#announcer.connectionCreated(own));
  }

  /** Updates this client's own connection. */
  #become(info: Partial<Omit<ConnectionInfo, 'streams'>>): void {
    const own = this.own;
    if (!own) return;
    const { role } = own;
    own.update(info);
    if (own.role === 'SUBSCRIBER' && role !== 'SUBSCRIBER') this.media.stopSending();
    if (own.role !== role) this.#announcer.roleChanged(own, own.role, role);
  }

  #end(reason: LeaveReason, cause: Error | undefined): void {
    this.recovery.stop();
    this.media.end(reason);
    const event = new SessionDisconnectedEvent(this.#session, reason, cause);
    this.#session.emitEvent('sessionDisconnected', event);
    for (const { manager } of this.participants.clear()) {
      if (!(manager instanceof Subscriber)) continue;
      manager.stop();
      if (!event.isDefaultPrevented()) manager.removeAllVideos();
    }
  }

  #take({ event, data }: EventFrame): void {
    switch (event) {
      case 'connectionCreated':
        return this.participants.add(data.connection);
      case 'connectionDestroyed':
        return this.participants.remove(data.connectionId, data.reason);
      case 'connectionPresence':
        return this.participants.setPresence(data.connectionId, data.presence);
      case 'connectionChanged':
        if (data.connectionId === this.own?.connectionId) this.#become({ role: data.role });
        else this.participants.connection(data.connectionId)?.update({ role: data.role });
        return;
      case 'networkQuality':
        return this.#measured(data);
      case 'streamCreated':
        return this.participants.addStream(data.stream);
      case 'streamDestroyed':
        if (!this.media.ended(data.streamId, data.reason)) this.participants.removeStream(data.streamId, data.reason);
        return;
      case 'streamRenewed':
        return this.participants.reroute(data.streamId, data.renewal);
      case 'streamActive':
        return this.participants.setActive(data.streamId, data.kind, data.active);
      case 'streamChanged':
        return this.participants.change(data.streamId, data.change);
      case 'signal':
        return this.#signal(data);
      case 'mediaMoved':
        return this.recovery.mediaMoved(data);
      case 'mediaDoubted':
        return void this.media.testify(data.mediaId);
      case 'mediaLeft':
        return this.media.left(data.mediaId);
      case 'evicted':
        // The lifecycle handles this; `disconnected` follows.
        return;
    }
  }

  #measured({ connectionId, level }: ServerEvents['networkQuality']): void {
    const connection = this.#connection(connectionId);
    if (!connection || connection.networkQuality === level) return;
    this.#announcer.networkQualityChanged(connection, level, connection.setNetworkQuality(level));
  }

  #signal(signal: ServerEvents['signal']): void {
    if (!this.#signals.isNew(signal)) return;
    const { type, data, from } = signal;
    const name = signalEventName(type);
    const event = new SignalEvent(name, this.#session, data, from && this.#connection(from));
    this.#session.emitEvent('signal', event);
    if (name !== 'signal') this.#session.emitEvent(name, event);
  }

  /** Also finds a connection by its id in a crashed life, because signals kept since then have that id. */
  #connection(id: ConnectionId): Connection | undefined {
    const { own } = this;
    const isOwn = own && (own.connectionId === id || own.formerIds.includes(id));
    return isOwn ? own : this.participants.connection(id);
  }
}
