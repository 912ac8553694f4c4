import { ProtocolError } from '../../../protocol/errors.ts';
import { type StreamId, streamNameOf } from '../../../protocol/ids.ts';
import type { EndedStream, StreamEndReason } from '../../../protocol/model.ts';
import type { JoinedConnection, Member } from './member.ts';
import type { Publication } from './publication.ts';
import type { OwnedSession } from './session.ts';

/** So many streams of a connection that were ended by force are known to it when it comes back. */
const ENDED_KNOWN = 32;

/** The streams of a session's members. */
export class Streams {
  readonly #session: OwnedSession;

  constructor(session: OwnedSession) {
    this.#session = session;
  }

  /** The member and the publication of a stream. @throws {ProtocolError} STREAM_UNKNOWN */
  find(streamId: StreamId): { publisher: Member; publication: Publication } {
    for (const publisher of this.#session.members.values()) {
      const publication = publisher.publications.get(streamId);
      if (publication) return { publisher, publication };
    }
    throw new ProtocolError('STREAM_UNKNOWN', streamId);
  }

  /** Ends a stream; the others are told. @throws {ProtocolError} STREAM_UNKNOWN */
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
   * A stream that a member was about to bring back after a crash does not come: the others wait for it no longer. `streamId`: as it
   * was before the crash, or would be now. `false`: nobody waits for it.
   */
  doesNotCome(member: Member, streamId: StreamId): boolean {
    const name = streamNameOf(streamId);
    if (!name || !member.awaitNoMore(name.key)) return false;
    const announced = `${name.prefix}${member.id}` as StreamId;
    this.#session.broadcast('streamDestroyed', { streamId: announced, reason: 'unpublish' }, member);
    return true;
  }

  /**
   * Ends a stream against its publisher's will: that one is told, too. Resolves when the store knows, or has not answered in time: a
   * publisher that is away, or rebuilds, must not send it again.
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
      session.log.warn({ err: error, stream: streamId }, 'The store does not know that a stream was ended.');
    }
  }

  /** A member may not send any more: what it sends ends, and so do the transports that are for nothing else. */
  forbidAllOf(member: Member): void {
    for (const streamId of [...member.publications.keys()]) void this.endByForce(streamId, 'forceUnpublishByServer');
    for (const [key, direction] of [...member.transports]) {
      if (direction !== 'send') continue;
      member.transports.delete(key);
      void this.#session.room?.closings.close('closeTransport', key);
    }
  }

  /** Closes what receives a stream that is over. */
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
