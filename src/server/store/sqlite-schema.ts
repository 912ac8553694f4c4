/**
 * Of a row of `nodes`, at `?1` by the clock of the machine. A lease that seems to be good for more than a minute is from before the
 * machine began anew.
 */
export const LEASE_IS_GOOD = '(expires BETWEEN ?1 AND ?1 + 60000)';

/**
 * A life's row stays for an hour after its end, so that late clients can be told what happened. `forgotten` has one row, with the
 * highest epoch of all rows that were removed: new lives begin above it, so that epochs only ever rise for each session id.
 * `cluster` has one row, too: the random name by which processes of another store are told apart. And so has `clock`: what its
 * processes add to the clock of the machine, so that times which one has written mean the same to the others.
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

/** Begins the clock anew, at `?2`, unless there are nodes that go by it at `?1`. */
export const BEGIN_CLOCK = `
  INSERT INTO clock (one, origin) SELECT 1, ?2 WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE ${LEASE_IS_GOOD})
  ON CONFLICT (one) DO UPDATE SET origin = excluded.origin`;
