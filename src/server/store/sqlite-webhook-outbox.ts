import type { Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { InstanceId } from '../shared/identity.ts';
import { machineTime } from '../shared/machine-time.ts';
import type { Row, SqliteFile } from './sqlite-file.ts';
import { LEASE_IS_GOOD } from './sqlite-schema.ts';
import { type EndReason, StoreError } from './store.ts';
import type {
  Delivery,
  DeliverySeq,
  EventId,
  OpenSpan,
  OutboxEvent,
  PutResult,
  SpanAbout,
  SpanKey,
  SubjectKey,
  UntoldEnd,
  WebhookOutbox,
} from './webhook-outbox.ts';

/**
 * Events that were put are remembered by their ids. AUTOINCREMENT keeps the numbers of removed deliveries from being reused, because a
 * master that wakes up late removes by number.
 */
export const WEBHOOK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS webhook_events (event_id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS webhook_events_age ON webhook_events (at);
  CREATE TABLE IF NOT EXISTS webhook_spans (
    number INTEGER PRIMARY KEY, span TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, event_id TEXT NOT NULL, name TEXT NOT NULL,
    who TEXT, stream TEXT, sender TEXT, body TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS webhook_spans_of ON webhook_spans (subject);
  CREATE TABLE IF NOT EXISTS webhook_deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, owner TEXT NOT NULL, subject TEXT NOT NULL,
    event_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS webhook_queues ON webhook_deliveries (target, owner, seq);
  CREATE INDEX IF NOT EXISTS webhook_orders ON webhook_deliveries (target, subject, seq);
`;

/** As long as ended sessions are kept: after that no master can report the same event again. */
const TOLD_KEPT_MS = 60 * 60 * 1000;
const DELIVERY_KEPT_MS = 24 * 60 * 60 * 1000;

/** The outbox of webhooks in the store's file, so that a transaction can also check who owns a session. */
export class SqliteWebhookOutbox implements WebhookOutbox {
  readonly #file: SqliteFile;
  readonly #now: () => number;

  /** `now`: the cluster's time; Unix time, ms. */
  constructor(file: SqliteFile, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  put(events: readonly OutboxEvent[], owner: InstanceId, bound: number): Promise<PutResult> {
    return this.#file.write(() => {
      const put = events.filter((event) => this.#put(event, owner));
      const dropped = new Map<string, number>();
      for (const target of new Set(put.flatMap(({ targets }) => targets))) {
        const surplus = this.#makeRoom(target, bound);
        if (surplus > 0) dropped.set(target, surplus);
      }
      return { put: put.length, dropped };
    });
  }

  open(subject: SubjectKey, { who, stream }: Pick<SpanAbout, 'who' | 'stream'> = {}): Promise<OpenSpan[]> {
    return this.#file.read(() =>
      this.#file
        .all(
          `SELECT * FROM webhook_spans WHERE subject = ?1
           AND (?2 IS NULL OR who = ?2 OR sender = ?2) AND (?3 IS NULL OR stream = ?3) ORDER BY number`,
          subject,
          who ?? null,
          stream ?? null,
        )
        .map(toOpenSpan),
    );
  }

  unended(before: number): Promise<UntoldEnd[]> {
    return this.#file.read(() =>
      this.#file
        .all(`${UNTOLD_ENDS} AND ended_at > ? AND ended_at < ?`, this.#now() - TOLD_KEPT_MS, before)
        .map(toUntoldEnd),
    );
  }

  unendedLives(sessionId: SessionId): Promise<UntoldEnd[]> {
    return this.#file.read(() =>
      this.#file.all(`${UNTOLD_ENDS} AND session_id = ? ORDER BY epoch`, sessionId).map(toUntoldEnd),
    );
  }

  sessionsAt(mediaNode: InstanceId, since: number): Promise<SessionId[]> {
    return this.#file.read(() =>
      this.#file
        .all(
          `SELECT session_id FROM sessions WHERE media_node = ?1 AND (ended_at IS NULL OR ended_at >= ?2)
           AND coalesce(end_reason, 'nodeCrashed') = 'nodeCrashed'`,
          mediaNode,
          since,
        )
        .map((row) => row['session_id'] as SessionId),
    );
  }

  next(owner: InstanceId, target: string): Promise<Delivery | undefined> {
    return this.#file.read(() => {
      const row = this.#file.get(
        `SELECT seq, event_id, name, body FROM webhook_deliveries AS own WHERE target = ?1 AND owner = ?2
         AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS earlier WHERE earlier.target = ?1
           AND earlier.subject = own.subject AND earlier.seq < own.seq AND earlier.owner <> ?2)
         ORDER BY seq LIMIT 1`,
        target,
        owner,
      );
      return (
        row && {
          seq: row['seq'] as DeliverySeq,
          id: row['event_id'] as EventId,
          name: String(row['name']),
          body: String(row['body']),
        }
      );
    });
  }

  remove(seq: DeliverySeq): Promise<void> {
    return this.#file.write(() => void this.#file.run('DELETE FROM webhook_deliveries WHERE seq = ?', seq));
  }

  count(owner: InstanceId, target: string): Promise<number> {
    return this.#file.read(() => {
      const sql = 'SELECT count(*) AS rows FROM webhook_deliveries WHERE target = ? AND owner = ?';
      return Number(this.#file.get(sql, target, owner)?.['rows'] ?? 0);
    });
  }

  claim(owner: InstanceId, from?: InstanceId): Promise<number> {
    return this.#file.write(() => {
      if (from) return this.#file.run('UPDATE webhook_deliveries SET owner = ? WHERE owner = ?', owner, from);
      return this.#file.run(
        `UPDATE webhook_deliveries SET owner = ?2
         WHERE owner <> ?2 AND owner NOT IN (SELECT instance FROM nodes WHERE ${LEASE_IS_GOOD})`,
        machineTime(),
        owner,
      );
    });
  }

  forget(): Promise<void> {
    return this.#file.write(() => {
      const now = this.#now();
      this.#file.run('DELETE FROM webhook_events WHERE at < ?', now - TOLD_KEPT_MS);
      this.#file.run('DELETE FROM webhook_deliveries WHERE at < ?', now - DELIVERY_KEPT_MS);
      // Spans of sessions whose end was never reported, and of nodes that have not returned.
      this.#file.run(
        `DELETE FROM webhook_spans WHERE at < ?2 AND subject NOT IN (SELECT unique_id FROM sessions WHERE ended_at IS NULL)
         AND (who IS NULL OR who NOT IN (SELECT instance FROM nodes WHERE ${LEASE_IS_GOOD}))`,
        machineTime(),
        now - DELIVERY_KEPT_MS,
      );
    });
  }

  /** Puts an event. `false`: one of its conditions isn't met. */
  #put(event: OutboxEvent, owner: InstanceId): boolean {
    const { id, name, subject, series = subject, body, targets, fence, within, begins, ends } = event;
    if (fence && !this.#admits(fence)) return false;
    if (within && !this.#isOpen(within)) return false;
    if (begins && this.#isOpen(begins.span)) return false;
    if (ends && !this.#isOpen(ends)) return false;
    const now = this.#now();
    if (this.#file.run('INSERT OR IGNORE INTO webhook_events (event_id, at) VALUES (?, ?)', id, now) === 0)
      return false;
    if (ends) this.#file.run('DELETE FROM webhook_spans WHERE span = ?', ends);
    if (event.isLast && this.#file.get('SELECT 1 FROM webhook_spans WHERE subject = ?', subject)) {
      throw new StoreError('stale', `Other spans of ${subject} have begun meanwhile.`);
    }
    if (begins) {
      const { who, stream, sender } = begins.about;
      this.#file.run(
        `INSERT INTO webhook_spans (span, subject, event_id, name, who, stream, sender, body, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        begins.span,
        subject,
        id,
        name,
        who ?? null,
        stream ?? null,
        sender ?? null,
        body,
        now,
      );
    }
    for (const target of targets) {
      this.#file.run(
        `INSERT INTO webhook_deliveries (target, owner, subject, event_id, name, body, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        target,
        owner,
        series,
        id,
        name,
        body,
        now,
      );
    }
    return true;
  }

  #admits({ uniqueSessionId, epoch }: NonNullable<OutboxEvent['fence']>): boolean {
    const row = this.#file.get('SELECT epoch FROM sessions WHERE unique_id = ?', uniqueSessionId);
    return row !== undefined && Number(row['epoch']) <= epoch;
  }

  #isOpen(span: SpanKey): boolean {
    return this.#file.get('SELECT 1 FROM webhook_spans WHERE span = ?', span) !== undefined;
  }

  #makeRoom(target: string, bound: number): number {
    return this.#file.run(
      `DELETE FROM webhook_deliveries WHERE target = ?1 AND seq <= (
         SELECT seq FROM webhook_deliveries WHERE target = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`,
      target,
      bound,
    );
  }
}

const UNTOLD_ENDS = `SELECT unique_id, session_id, epoch, end_reason, ended_at FROM sessions
  WHERE ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM webhook_spans WHERE subject = unique_id)`;

function toUntoldEnd(row: Row): UntoldEnd {
  return {
    uniqueSessionId: row['unique_id'] as UniqueSessionId,
    sessionId: row['session_id'] as SessionId,
    epoch: row['epoch'] as Epoch,
    reason: row['end_reason'] as EndReason,
    endedAt: Number(row['ended_at']),
  };
}

function toOpenSpan(row: Row): OpenSpan {
  const about: SpanAbout = {
    ...(row['who'] === null ? {} : { who: String(row['who']) }),
    ...(row['stream'] === null ? {} : { stream: String(row['stream']) }),
    ...(row['sender'] === null ? {} : { sender: String(row['sender']) }),
  };
  return {
    span: row['span'] as SpanKey,
    id: row['event_id'] as EventId,
    name: String(row['name']),
    about,
    body: String(row['body']),
  };
}
