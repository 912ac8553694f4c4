import type { ConnectionId, Epoch, SessionId, UniqueSessionId } from '../../protocol/ids.ts';
import type { ClusterId, InstanceId } from '../shared/identity.ts';
import { machineTime } from '../shared/machine-time.ts';
import { type Row, SqliteFile } from './sqlite-file.ts';
import { BEGIN_CLOCK, LEASE_IS_GOOD, SCHEMA } from './sqlite-schema.ts';
import { SqliteWebhookOutbox, WEBHOOK_SCHEMA } from './sqlite-webhook-outbox.ts';
import {
  type ConnectionRecord,
  type EndedSession,
  type EndReason,
  type GoodLease,
  type KeptSignal,
  type NodeLease,
  type SessionProperties,
  type SessionRecord,
  type Store,
  StoreError,
} from './store.ts';

const ENDED_KEPT_MS = 60 * 60 * 1000;
const FORGET_EVERY_MS = 60 * 1000;

/** The store of a cluster on one machine: a SQLite file in WAL mode, shared by all its processes. */
export class SqliteStore implements Store {
  readonly clusterId: ClusterId;
  readonly webhooks: SqliteWebhookOutbox;
  readonly #file: SqliteFile;
  readonly #now: () => number;
  #forgotAt = 0;

  /** Creates the store if it doesn't exist. `now`: replaces the cluster's time; Unix time, ms. */
  constructor(file: string, now?: () => number) {
    this.#file = new SqliteFile(file, SCHEMA + WEBHOOK_SCHEMA, begin);
    const origin = Number(this.#file.get('SELECT origin FROM clock')?.['origin']);
    this.#now = now ?? (() => origin + machineTime());
    this.clusterId = String(this.#file.get('SELECT id FROM cluster')?.['id']) as ClusterId;
    this.webhooks = new SqliteWebhookOutbox(this.#file, this.#now);
  }

  now(): number {
    return this.#now();
  }

  renewLease({ instance, id, role, url, load }: NodeLease, leaseMs: number): Promise<InstanceId | undefined> {
    return this.#file.write(() => {
      const now = machineTime();
      this.#file.run(`DELETE FROM nodes WHERE NOT ${LEASE_IS_GOOD}`, now);
      const [twin] = this.#file.all(
        'DELETE FROM nodes WHERE id = ? AND instance <> ? RETURNING instance',
        id,
        instance,
      );
      this.#file.run(
        'INSERT OR REPLACE INTO nodes (instance, id, role, url, load, expires) VALUES (?, ?, ?, ?, ?, ?)',
        instance,
        id,
        role,
        url,
        load,
        now + leaseMs,
      );
      this.#forgetNowAndThen();
      return twin && (twin['instance'] as InstanceId);
    });
  }

  dropLease(instance: InstanceId): Promise<void> {
    return this.#file.write(() => void this.#file.run('DELETE FROM nodes WHERE instance = ?', instance));
  }

  listNodes(): Promise<GoodLease[]> {
    const columns = 'instance, id, role, url, load, expires - ?1 AS goodForMs';
    return this.#file.read(() =>
      this.#file
        .all(`SELECT ${columns} FROM nodes WHERE ${LEASE_IS_GOOD} ORDER BY id`, machineTime())
        .map((row) => ({ ...row }) as unknown as GoodLease),
    );
  }

  createSession(session: Omit<SessionRecord, 'epoch' | 'mediaNode'>): Promise<SessionRecord> {
    return this.#file.write(() => {
      const { sessionId, uniqueSessionId, owner, failover, createdAt, properties } = session;
      if (this.#file.get('SELECT 1 FROM sessions WHERE session_id = ? AND ended_at IS NULL', sessionId)) {
        throw new StoreError('exists', `Session ${sessionId} exists.`);
      }
      const latest = this.#file.get(
        `SELECT max(epoch) AS epoch FROM (
           SELECT epoch FROM sessions WHERE session_id = ? UNION ALL SELECT epoch FROM forgotten)`,
        sessionId,
      );
      const epoch = (Number(latest?.['epoch'] ?? 0) + 1) as Epoch;
      this.#file.run(
        `INSERT INTO sessions (unique_id, session_id, epoch, owner, failover, created_at, properties)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        uniqueSessionId,
        sessionId,
        epoch,
        owner,
        failover,
        createdAt,
        JSON.stringify(properties),
      );
      this.#forgetNowAndThen();
      return { ...session, epoch, mediaNode: undefined };
    });
  }

  claimSession(uniqueSessionId: UniqueSessionId, expected: Epoch, owner: InstanceId): Promise<SessionRecord> {
    return this.#file.write(() => {
      this.#mustOwn(uniqueSessionId, expected);
      this.#file.run('UPDATE sessions SET epoch = epoch + 1, owner = ? WHERE unique_id = ?', owner, uniqueSessionId);
      return toSession(this.#file.get('SELECT * FROM sessions WHERE unique_id = ?', uniqueSessionId) as Row);
    });
  }

  placeSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, mediaNode: InstanceId): Promise<void> {
    return this.#file.write(() => {
      this.#mustOwn(uniqueSessionId, epoch);
      this.#file.run('UPDATE sessions SET media_node = ? WHERE unique_id = ?', mediaNode, uniqueSessionId);
    });
  }

  endSession(uniqueSessionId: UniqueSessionId, epoch: Epoch, reason: EndReason): Promise<boolean> {
    return this.#file.write(() => {
      const changes = this.#file.run(
        'UPDATE sessions SET end_reason = ?, ended_at = ? WHERE unique_id = ? AND epoch = ? AND ended_at IS NULL',
        reason,
        this.#now(),
        uniqueSessionId,
        epoch,
      );
      return changes > 0;
    });
  }

  getSession(sessionId: SessionId): Promise<SessionRecord | undefined> {
    return this.#file.read(() => {
      const row = this.#file.get('SELECT * FROM sessions WHERE session_id = ? AND ended_at IS NULL', sessionId);
      return row && toSession(row);
    });
  }

  listSessions({ owner, mediaNode }: { owner?: InstanceId; mediaNode?: InstanceId }): Promise<SessionRecord[]> {
    return this.#file.read(() =>
      this.#file
        .all(
          `SELECT * FROM sessions WHERE ended_at IS NULL
         AND (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR media_node = ?2)`,
          owner ?? null,
          mediaNode ?? null,
        )
        .map(toSession),
    );
  }

  getEnded(uniqueSessionId: UniqueSessionId): Promise<EndedSession | undefined> {
    return this.#file.read(() => {
      const row = this.#file.get(
        `SELECT unique_id AS uniqueSessionId, session_id AS sessionId, end_reason AS reason, ended_at AS endedAt
         FROM sessions WHERE unique_id = ? AND ended_at IS NOT NULL`,
        uniqueSessionId,
      );
      return row && ({ ...row } as unknown as EndedSession);
    });
  }

  putConnection(connection: ConnectionRecord, epoch: Epoch): Promise<void> {
    return this.putConnections([connection], epoch);
  }

  putConnections(connections: readonly ConnectionRecord[], epoch: Epoch): Promise<void> {
    return this.#file.write(() => {
      for (const uniqueSessionId of new Set(connections.map((one) => one.uniqueSessionId))) {
        this.#mustOwn(uniqueSessionId, epoch);
      }
      for (const connection of connections) {
        this.#file.run(
          'INSERT OR REPLACE INTO connections (connection_id, unique_id, record) VALUES (?, ?, ?)',
          connection.connectionId,
          connection.uniqueSessionId,
          JSON.stringify(connection),
        );
      }
    });
  }

  removeConnection(
    { connectionId, uniqueSessionId }: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>,
    epoch: Epoch,
  ): Promise<void> {
    return this.#file.write(() => {
      this.#mustOwn(uniqueSessionId, epoch);
      this.#file.run('DELETE FROM connections WHERE connection_id = ?', connectionId);
      this.#file.run('DELETE FROM kept_signals WHERE connection_id = ?', connectionId);
    });
  }

  noteGoodbye({
    connectionId,
    uniqueSessionId,
  }: Pick<ConnectionRecord, 'connectionId' | 'uniqueSessionId'>): Promise<void> {
    return this.#file.write(() => {
      this.#file.run(
        "UPDATE connections SET record = json_set(record, '$.leftAt', ?) WHERE connection_id = ? AND unique_id = ?",
        this.#now(),
        connectionId,
        uniqueSessionId,
      );
    });
  }

  getConnection(connectionId: ConnectionId): Promise<ConnectionRecord | undefined> {
    return this.#file.read(() => {
      const row = this.#file.get('SELECT record FROM connections WHERE connection_id = ?', connectionId);
      return row && (JSON.parse(String(row['record'])) as ConnectionRecord);
    });
  }

  listConnections(uniqueSessionId: UniqueSessionId): Promise<ConnectionRecord[]> {
    return this.#file.read(() =>
      this.#file
        .all('SELECT record FROM connections WHERE unique_id = ?', uniqueSessionId)
        .map((row) => JSON.parse(String(row['record'])) as ConnectionRecord),
    );
  }

  keepSignals(uniqueSessionId: UniqueSessionId, epoch: Epoch, signals: readonly KeptSignal[]): Promise<number> {
    return this.#file.write(() => {
      this.#mustOwn(uniqueSessionId, epoch);
      let last = 0;
      // A signal is often kept for many connections.
      const texts = new Map<KeptSignal['signal'], string>();
      for (const { connectionId, signal } of signals) {
        const text = texts.get(signal) ?? JSON.stringify(signal);
        texts.set(signal, text);
        const row = this.#file.get(
          'INSERT INTO kept_signals (connection_id, unique_id, signal) VALUES (?, ?, ?) RETURNING number',
          connectionId,
          uniqueSessionId,
          text,
        );
        last = Number(row?.['number']);
      }
      return last;
    });
  }

  listSignals(connectionIds: readonly ConnectionId[]): Promise<(KeptSignal & { readonly number: number })[]> {
    return this.#file.read(() =>
      this.#file
        .all(
          `SELECT number, connection_id, signal FROM kept_signals
           WHERE connection_id IN (SELECT value FROM json_each(?)) ORDER BY number`,
          JSON.stringify(connectionIds),
        )
        .map((row) => ({
          number: Number(row['number']),
          connectionId: row['connection_id'] as ConnectionId,
          signal: JSON.parse(String(row['signal'])) as KeptSignal['signal'],
        })),
    );
  }

  forgetSignals(
    uniqueSessionId: UniqueSessionId,
    epoch: Epoch,
    connectionIds: readonly ConnectionId[],
    number: number,
  ): Promise<void> {
    return this.#file.write(() => {
      this.#mustOwn(uniqueSessionId, epoch);
      this.#file.run(
        'DELETE FROM kept_signals WHERE connection_id IN (SELECT value FROM json_each(?)) AND number <= ?',
        JSON.stringify(connectionIds),
        number,
      );
    });
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #mustOwn(uniqueSessionId: UniqueSessionId, epoch: Epoch): void {
    const row = this.#file.get('SELECT epoch, ended_at FROM sessions WHERE unique_id = ?', uniqueSessionId);
    if (row?.['epoch'] !== epoch || row['ended_at'] !== null) {
      throw new StoreError('stale', `Session ${uniqueSessionId} is no longer at epoch ${epoch}.`);
    }
  }

  #forgetNowAndThen(): void {
    const now = this.#now();
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    this.#forget();
  }

  /** Deletes outdated rows. It runs within other writes, so it needs no timer and no leader. */
  #forget(): void {
    const before = this.#now() - ENDED_KEPT_MS;
    for (const table of ['connections', 'kept_signals']) {
      this.#file.run(
        `DELETE FROM ${table} WHERE unique_id IN (SELECT unique_id FROM sessions WHERE ended_at < ?)`,
        before,
      );
    }
    this.#file.run(
      `INSERT INTO forgotten (one, epoch)
       SELECT 1, highest FROM (SELECT max(epoch) AS highest FROM sessions WHERE ended_at < ?) WHERE highest IS NOT NULL
       ON CONFLICT (one) DO UPDATE SET epoch = max(epoch, excluded.epoch)`,
      before,
    );
    this.#file.run('DELETE FROM sessions WHERE ended_at < ?', before);
  }
}

/** Sets the clock's origin from the machine's clock, unless a cluster is running: the machine's clock may have been set since. */
function begin(file: SqliteFile): void {
  const machine = machineTime();
  const origin = Date.now() - machine;
  file.run(BEGIN_CLOCK, machine, origin);
  // A running cluster may date from before this table.
  file.run('INSERT OR IGNORE INTO clock (one, origin) VALUES (1, ?)', origin);
}

function toSession(row: Row): SessionRecord {
  return {
    sessionId: row['session_id'] as SessionId,
    uniqueSessionId: row['unique_id'] as UniqueSessionId,
    epoch: row['epoch'] as Epoch,
    owner: row['owner'] as InstanceId,
    mediaNode: (row['media_node'] ?? undefined) as InstanceId | undefined,
    failover: row['failover'] as SessionRecord['failover'],
    createdAt: Number(row['created_at']),
    properties: JSON.parse(String(row['properties'])) as SessionProperties,
  };
}
