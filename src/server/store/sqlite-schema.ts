/**
 * Condition on a row of `nodes`; `?1` is the machine's clock. A lease that seems valid for more than a minute dates from before a
 * restart of the machine.
 */
export const LEASE_IS_GOOD = '(expires BETWEEN ?1 AND ?1 + 60000)';

/**
 * - `sessions` keeps a life for an hour after its end, so that late clients can be told what happened.
 * - `forgotten` has a single row: the highest epoch of all removed rows. New lives start above it, so epochs only rise per session id.
 * - `cluster` has a single row: the random name that distinguishes this store from others.
 * - `clock` has a single row: what processes add to the machine's clock, so that a stored time means the same to all of them.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cluster (
    one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL
  ) STRICT;
  INSERT INTO cluster (one, id) SELECT 1, lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM cluster);
  CREATE TABLE IF NOT EXISTS clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), origin INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS nodes (
    instance TEXT PRIMARY KEY, id TEXT NOT NULL, role TEXT NOT NULL, url TEXT NOT NULL,
    load REAL NOT NULL, expires INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    unique_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL,
    media_node TEXT, failover TEXT NOT NULL, created_at INTEGER NOT NULL, properties TEXT NOT NULL,
    end_reason TEXT, ended_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_life ON sessions (session_id) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS lives ON sessions (session_id, epoch);
  CREATE INDEX IF NOT EXISTS ends ON sessions (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS forgotten (
    one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS owners ON sessions (owner) WHERE ended_at IS NULL;
  CREATE TABLE IF NOT EXISTS connections (
    connection_id TEXT PRIMARY KEY, unique_id TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS members ON connections (unique_id);
  CREATE TABLE IF NOT EXISTS kept_signals (
    number INTEGER PRIMARY KEY AUTOINCREMENT, connection_id TEXT NOT NULL, unique_id TEXT NOT NULL, signal TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS kept_for ON kept_signals (connection_id, number);
  CREATE INDEX IF NOT EXISTS kept_in ON kept_signals (unique_id);
`;

/** Sets the clock's origin to `?2`, unless living nodes, judged at `?1`, rely on it. */
export const BEGIN_CLOCK = `
  INSERT INTO clock (one, origin) SELECT 1, ?2 WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE ${LEASE_IS_GOOD})
  ON CONFLICT (one) DO UPDATE SET origin = excluded.origin`;
