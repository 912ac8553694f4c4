import { ProtocolError } from '../../../protocol/errors.ts';
import { type StreamId, streamNameOf } from '../../../protocol/ids.ts';
import type { EndedStream, StreamEndReason } from '../../../protocol/model.ts';
import type { JoinedConnection, Member } from './member.ts';
import type { Publication } from './publication.ts';
import type { OwnedSession } from './session.ts';

/** How many streams ended by force a connection is told of when it returns. */
const ENDED_KNOWN = 32;

/** The streams of a session's members. */
export class Streams {
  readonly #session: OwnedSession;

  constructor(session: OwnedSession) {
    this.#session = session;
  }

  /** The stream's publisher and publication. @throws {ProtocolError} STREAM_UNKNOWN */
  find(streamId: StreamId): { publisher: Member; publication: Publication } {
    for (const publisher of this.#session.members.values()) {
      const publication = publisher.publications.get(streamId);
      if (publication) return { publisher, publication };
    }
    throw new ProtocolError('STREAM_UNKNOWN', streamId);
  }

  /** Ends a stream and tells the other members. @throws {ProtocolError} STREAM_UNKNOWN */
  end(member: Member, streamId: StreamId, reason: StreamEndReason): void {
    const session = this.#session;
    const publication = member.publications.get(streamId);
    if (!publication) throw new ProtocolError('STREAM_UNKNOWN', streamId);
    member.publications.delete(streamId);
    publication.end();
    for (const key of publication.producers.values()) void session.room?.closings.close('closeProducer', key);
    this.forget(streamId);
    session.broadcast('streamDestroyed', { streamId, reason }, member);
    session.note({ kind: 'unpublished', streamId, reason });
  }

  /**
   * Announces that a stream expected back after a crash does not come, so that the others stop waiting. `streamId`: the id before the
   * crash, or the one that it would have now. `false`: the stream was not awaited.
   */
  doesNotCome(member: Member, streamId: StreamId): boolean {
    const name = streamNameOf(streamId);
    if (!name || !member.awaitNoMore(name.key)) return false;
    const announced = `${name.prefix}${member.id}` as StreamId;
    this.#session.broadcast('streamDestroyed', { streamId: announced, reason: 'unpublish' }, member);
    return true;
  }

  /**
   * Ends a stream against its publisher's will, and tells the publisher, too. Resolves when the store has recorded it or has failed in
   * time. A publisher that is away or rebuilds thereby learns not to publish it again.
   * @throws {ProtocolError} STREAM_UNKNOWN
   */
  async endByForce(streamId: StreamId, reason: EndedStream['reason']): Promise<void> {
    const session = this.#session;
    const { publisher } = this.find(streamId);
    this.end(publisher, streamId, reason);
    session.tell(publisher, 'streamDestroyed', { streamId, reason });
    try {
      await session.records.change(publisher, (record) => withEnded(record, { streamId, reason }));
    } catch (error) {
      session.log.warn(
        { err: error, stream: streamId },
        'Failed to record in the store that a stream was ended by force.',
      );
    }
  }

  /** Ends all streams and send transports of a member that may not publish any more. */
  forbidAllOf(member: Member): void {
    for (const streamId of [...member.publications.keys()]) void this.endByForce(streamId, 'forceUnpublishByServer');
    for (const [key, direction] of [...member.transports]) {
      if (direction !== 'send') continue;
      member.transports.delete(key);
      void this.#session.room?.closings.close('closeTransport', key);
    }
  }

  /** Closes the consumers of a stream that has ended. */
  forget(streamId: StreamId): void {
    const { members, room } = this.#session;
    for (const member of members.values()) {
      const subscription = member.subscriptions.get(streamId);
      member.subscriptions.delete(streamId);
      for (const key of subscription?.consumers ?? []) void room?.closings.close('closeConsumer', key);
    }
  }
}

function withEnded(record: JoinedConnection, ended: EndedStream): JoinedConnection {
  const { joined } = record;
  const others = (joined.endedStreams ?? []).filter(({ streamId }) => streamId !== ended.streamId);
  return { ...record, joined: { ...joined, endedStreams: [...others, ended].slice(-ENDED_KNOWN) } };
}
