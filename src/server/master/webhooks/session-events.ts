import type { LeaveReason, StreamEndReason, StreamInfo } from '../../../protocol/model.ts';
import type { EndReason } from '../../store/store.ts';
import type {
  OpenSpan,
  OutboxEvent,
  SeriesKey,
  SpanKey,
  SubjectKey,
  WebhookOutbox,
} from '../../store/webhook-outbox.ts';
import type { Member } from '../owner/member.ts';
import type { SessionFact, SessionLife } from '../owner/session-chronicle.ts';
import { beginningOf, type EventMaker, eventId } from './event-maker.ts';
import type { EventSource } from './event-writer.ts';
import type { SessionDestroyedReason, WebhookEventOf } from './webhook-events.ts';

type Fact<Kind extends SessionFact['kind']> = Extract<SessionFact, { kind: Kind }>;

/** The reasons that receivers are told when a session ends: for the session and for its remaining members. */
const ENDS: Readonly<Record<EndReason, { readonly session: SessionDestroyedReason; readonly members: LeaveReason }>> = {
  lastParticipantLeft: { session: 'lastParticipantLeft', members: 'disconnect' },
  sessionClosedByServer: { session: 'sessionClosedByServer', members: 'sessionClosedByServer' },
  neverJoined: { session: 'sessionClosedByServer', members: 'sessionClosedByServer' },
  nodeCrashed: { session: 'nodeCrashed', members: 'nodeCrashed' },
};

/** Subscribers lose a stream before it ends. */
const END_ORDER = ['INBOUND', 'OUTBOUND'] as const;

/**
 * Turns facts about sessions into events. An end is derived from its beginning, which the outbox holds. So any master can report it,
 * also one that takes the session over or finds it crashed.
 */
export class SessionEvents {
  readonly #outbox: Pick<WebhookOutbox, 'open' | 'unendedLives'>;
  readonly #maker: EventMaker;

  constructor(outbox: Pick<WebhookOutbox, 'open' | 'unendedLives'>, maker: EventMaker) {
    this.#outbox = outbox;
    this.#maker = maker;
  }

  /** `now`: Unix time, ms. */
  of(session: SessionLife, fact: SessionFact, now: number): EventSource {
    const one = new LifeEvents(session, this.#maker);
    const open = this.#outbox.open.bind(this.#outbox, one.subject);
    switch (fact.kind) {
      case 'created':
        // The former owner may have died, or may not have reported the end of its life yet.
        return async () => [...(await this.#formerEnds(session)), one.created(fact.at)];
      case 'joined':
        return [one.joined(fact)];
      case 'published':
        return [one.published(fact.stream)];
      case 'subscribed':
        return [one.subscribed(fact)];
      case 'signalled':
        return [one.signalled(fact, now)];
      case 'takenOver': {
        // Read the members now, as they change during the write.
        const found = one.found(fact);
        const present = new Set<string>([...fact.members].map(({ id }) => id));
        return async () => [...found, ...one.endings(await open(), 'disconnect', now, (who) => !present.has(who))];
      }
      case 'left':
        return async () => one.endings(await open({ who: fact.connectionId }), fact.reason, now);
      case 'unpublished':
        return async () => one.streamEndings(await open({ stream: fact.streamId }), fact.reason, now);
      case 'unsubscribed':
        return async () => {
          const spans = await open({ who: fact.connectionId, stream: fact.streamId });
          const own = spans.filter(({ span }) => span === one.inboundSpan(fact.connectionId, fact.streamId));
          return one.streamEndings(own, 'unsubscribe', now);
        };
      case 'ended':
        return async () => one.ended(await open(), fact.reason, fact.at ?? now);
    }
  }

  async #formerEnds({ sessionId }: SessionLife): Promise<OutboxEvent[]> {
    const lives = await this.#outbox.unendedLives(sessionId);
    const ends = lives.map(async (life) => {
      const former = new LifeEvents(life, this.#maker);
      return former.ended(await this.#outbox.open(former.subject), life.reason, life.endedAt);
    });
    return (await Promise.all(ends)).flat();
  }
}

/** The events of one life of a session. */
class LifeEvents {
  readonly subject: SubjectKey;
  readonly #series: SeriesKey;
  readonly #life: SessionLife;
  readonly #maker: EventMaker;
  readonly #fence: NonNullable<OutboxEvent['fence']>;
  readonly #span: SpanKey;
  readonly #names: Pick<WebhookEventOf<'sessionCreated'>, 'sessionId' | 'uniqueSessionId'>;

  constructor(life: SessionLife, maker: EventMaker) {
    const { sessionId, uniqueSessionId, epoch } = life;
    this.#life = life;
    this.#maker = maker;
    this.#fence = { uniqueSessionId, epoch };
    this.#names = { sessionId, uniqueSessionId };
    this.subject = uniqueSessionId as string as SubjectKey;
    this.#series = `session ${sessionId}` as SeriesKey;
    this.#span = this.#spanOf('session');
  }

  created(at: number): OutboxEvent {
    const { subject } = this;
    return this.#maker.make(
      { event: 'sessionCreated', timestamp: at, ...this.#names },
      {
        subject,
        series: this.#series,
        fence: this.#fence,
        id: eventId(this.#span, at),
        begins: { span: this.#span, about: {} },
      },
    );
  }

  joined({ connection }: Pick<Fact<'joined'>, 'connection'>): OutboxEvent {
    const { connectionId, serverData, joined } = connection;
    const { activeAt, ip, platform, clientData } = joined;
    return this.#begin(
      {
        event: 'participantJoined',
        timestamp: activeAt,
        ...this.#names,
        connectionId,
        participantId: connectionId,
        location: 'unknown',
        ip,
        platform,
        clientData,
        serverData,
      },
      { span: this.#spanOf('participant', connectionId), about: { who: connectionId } },
    );
  }

  published(stream: StreamInfo): OutboxEvent {
    const { streamId, connectionId, createdAt } = stream;
    return this.#begin(
      {
        event: 'webrtcConnectionCreated',
        timestamp: createdAt,
        ...this.#names,
        streamId,
        connectionId,
        participantId: connectionId,
        connection: 'OUTBOUND',
        ...mediaOf(stream),
      },
      { span: this.#spanOf('outbound', streamId), about: { who: connectionId, stream: streamId } },
    );
  }

  subscribed({ connectionId, stream, at }: Pick<Fact<'subscribed'>, 'connectionId' | 'stream' | 'at'>): OutboxEvent {
    const { streamId } = stream;
    return this.#begin(
      {
        event: 'webrtcConnectionCreated',
        timestamp: at,
        ...this.#names,
        streamId,
        connectionId,
        participantId: connectionId,
        connection: 'INBOUND',
        receivingFrom: stream.connectionId,
        ...mediaOf(stream),
      },
      {
        span: this.inboundSpan(connectionId, streamId),
        about: { who: connectionId, stream: streamId, sender: stream.connectionId },
      },
    );
  }

  inboundSpan(connectionId: string, streamId: string): SpanKey {
    return this.#spanOf('inbound', connectionId, streamId);
  }

  signalled({ id, from, to, type = '', data = '' }: Fact<'signalled'>, now: number): OutboxEvent {
    return this.#maker.make(
      {
        event: 'signalSent',
        timestamp: now,
        ...this.#names,
        from: from ?? null,
        to,
        type: type.replace(/^signal:/, ''),
        data,
      },
      {
        subject: this.subject,
        series: this.#series,
        fence: this.#fence,
        within: this.#span,
        id: eventId('signalSent', this.#life.uniqueSessionId, from ?? '', id),
      },
    );
  }

  /** Everything that a new owner finds. The outbox ignores what has already been reported. */
  found({ createdAt, members }: Fact<'takenOver'>): OutboxEvent[] {
    const all: Member[] = [...members];
    const streams = new Map(
      all.flatMap(({ publications }) => [...publications].map(([id, { stream }]) => [id, stream])),
    );
    const received = all.flatMap(({ id, subscriptions }) =>
      [...subscriptions].flatMap(([streamId, { createdAt: at }]) => {
        const stream = streams.get(streamId);
        return stream ? [this.subscribed({ connectionId: id, stream, at })] : [];
      }),
    );
    return [
      this.created(createdAt),
      ...all.map(({ record }) => this.joined({ connection: record })),
      ...[...streams.values()].map((stream) => this.published(stream)),
      ...received,
    ];
  }

  /** The ends of what participants have begun; `isOver`: only for these. */
  endings(
    spans: readonly OpenSpan[],
    reason: LeaveReason,
    at: number,
    isOver: (who: string) => boolean = () => true,
  ): OutboxEvent[] {
    const over = spans.filter(({ about }) => [about.who, about.sender].some((who) => who !== undefined && isOver(who)));
    const participants = over.flatMap((span) => {
      const began = beginningOf(span);
      if (began.event !== 'participantJoined') return [];
      return [this.#end(span, { ...began, event: 'participantLeft', ...ending(began.timestamp, at, reason) })];
    });
    return [...this.streamEndings(over, reason, at), ...participants];
  }

  /** The ends of streams sent and received. */
  streamEndings(spans: readonly OpenSpan[], reason: StreamEndReason | 'unsubscribe', at: number): OutboxEvent[] {
    const began = spans.flatMap((span) => {
      const event = beginningOf(span);
      return event.event === 'webrtcConnectionCreated' ? [{ span, event }] : [];
    });
    const rank = ({ event }: (typeof began)[number]): number => END_ORDER.indexOf(event.connection);
    return began
      .sort((a, b) => rank(a) - rank(b))
      .map(({ span, event }) =>
        this.#end(span, { ...event, event: 'webrtcConnectionDestroyed', ...ending(event.timestamp, at, reason) }),
      );
  }

  /** Ends everything that is still open, and the session last. */
  ended(spans: readonly OpenSpan[], reason: EndReason, at: number): OutboxEvent[] {
    const session = spans.find(({ span }) => span === this.#span);
    const began = session && beginningOf(session);
    if (began?.event !== 'sessionCreated') return [];
    const destroyed = this.#end(
      session as OpenSpan,
      { ...began, event: 'sessionDestroyed', ...ending(began.timestamp, at, ENDS[reason].session) },
      true,
    );
    return [...this.endings(spans, ENDS[reason].members, at), destroyed];
  }

  #begin(
    event: WebhookEventOf<'participantJoined' | 'webrtcConnectionCreated'>,
    begins: NonNullable<OutboxEvent['begins']>,
  ): OutboxEvent {
    const id = eventId(begins.span, event.timestamp);
    return this.#maker.make(event, {
      subject: this.subject,
      series: this.#series,
      fence: this.#fence,
      within: this.#span,
      id,
      begins,
    });
  }

  #end(
    { span, id }: OpenSpan,
    event: WebhookEventOf<'participantLeft' | 'webrtcConnectionDestroyed' | 'sessionDestroyed'>,
    isLast = false,
  ): OutboxEvent {
    const fence = this.#fence;
    const terms = {
      subject: this.subject,
      series: this.#series,
      fence,
      id: eventId('end', id),
      ends: span,
      isLast,
    };
    return this.#maker.make(event, terms);
  }

  #spanOf(what: string, ...names: readonly string[]): SpanKey {
    return [what, this.#life.uniqueSessionId, ...names].join(' ') as SpanKey;
  }
}

function ending<Reason>(
  startTime: number,
  at: number,
  reason: Reason,
): { timestamp: number; startTime: number; duration: number; reason: Reason } {
  return { timestamp: at, startTime, duration: Math.max(0, Math.floor((at - startTime) / 1_000)), reason };
}

function mediaOf({ hasAudio, hasVideo, typeOfVideo, frameRate, videoDimensions }: StreamInfo) {
  return {
    audioEnabled: hasAudio,
    videoEnabled: hasVideo,
    ...(hasVideo && typeOfVideo ? { videoSource: typeOfVideo } : {}),
    ...(hasVideo && frameRate !== undefined ? { videoFramerate: frameRate } : {}),
    ...(hasVideo && videoDimensions ? { videoDimensions: JSON.stringify(videoDimensions) } : {}),
  };
}
