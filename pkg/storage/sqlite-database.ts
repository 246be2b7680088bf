/**
 * The tables of the embedded store and every statement that is run on them. A value is stored once,
 * in the row of the revision that wrote it; `current` says which revision a key is at.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { StorageError } from "./storage.ts";

/** WAL and FULL together: a commit is one append to the log and one fsync of it. */
const pragmas = `
  PRAGMA locking_mode = EXCLUSIVE; -- revisions are counted in memory: one process owns the file
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000; -- pages, 16 MB: seldom enough that few commits pay for it
  PRAGMA journal_size_limit = 67108864; -- bytes
  PRAGMA cache_size = -16000; -- KiB
  PRAGMA temp_store = MEMORY;
`;

/** The value stands last, so that reading the columns before it does not read its pages. */
const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    revision INTEGER PRIMARY KEY,
    key      TEXT    NOT NULL,
    previous INTEGER NOT NULL, -- revision that the key was at before; 0: it did not exist
    deleted  INTEGER NOT NULL,
    value    BLOB
  );
  CREATE TABLE IF NOT EXISTS current (
    key        TEXT PRIMARY KEY,
    revision   INTEGER NOT NULL,
    expires_at INTEGER -- milliseconds since the epoch
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS expiring ON current (expires_at) WHERE expires_at IS NOT NULL;
  -- compacted: history before it is forgotten; cleaned: rows before it were looked at and removed.
  CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, revision INTEGER NOT NULL);
`;

const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  newest: "SELECT coalesce(max(revision), 1) AS revision FROM entries",
  mark: "SELECT revision FROM marks WHERE name = ?",
  setMark: "INSERT OR REPLACE INTO marks VALUES (?, ?)",
  get: `SELECT e.key, e.revision, e.value FROM current c JOIN entries e USING (revision)
        WHERE c.key = ?`,
  entry: "SELECT key, revision, value FROM entries WHERE revision = ?",
  append: "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
  point: "INSERT OR REPLACE INTO current VALUES (?, ?, ?)",
  unpoint: "DELETE FROM current WHERE key = ?",
  page: `SELECT e.key, e.revision, e.value FROM current c CROSS JOIN entries e USING (revision)
         WHERE c.key >= ? AND c.key < ? ORDER BY c.key LIMIT ?`,
  keys: "SELECT key, revision FROM current WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
  count: "SELECT count(*) AS count FROM current WHERE key >= ? AND key < ?",
  touched: `SELECT key, previous FROM entries
            WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision DESC`,
  history: `SELECT key, revision, value, deleted, previous FROM entries
            WHERE revision > ? AND revision <= ? AND key >= ? AND key < ?
            ORDER BY revision LIMIT ?`,
  expired: `SELECT e.key, e.revision, e.value FROM current c JOIN entries e USING (revision)
            WHERE c.expires_at <= ? ORDER BY c.expires_at LIMIT ?`,
  nextExpiry: "SELECT min(expires_at) AS at FROM current WHERE expires_at IS NOT NULL",
  cleanReplaced: `DELETE FROM entries WHERE revision IN
    (SELECT previous FROM entries WHERE revision >= ? AND revision <= ? AND previous > 0)`,
  cleanDeleted: "DELETE FROM entries WHERE revision >= ? AND revision < ? AND deleted = 1",
} as const;

export type Statements = { readonly [Name in keyof typeof statements]: StatementSync };
export type Row = Record<string, SQLOutputValue>;

export interface Database {
  readonly run: Statements;
  close(): void;
}

/** Opens or creates the file. Throws StorageError "Unavailable" when another process has it. */
export function openDatabase(path: string): Database {
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(path);
    database.exec(pragmas);
    database.exec(schema);
    const run = Object.fromEntries(
      Object.entries(statements).map(([name, text]) => [name, database.prepare(text)]),
    ) as unknown as Statements;
    return { run, close: () => database.close() };
  } catch (cause) {
    throw new StorageError("Unavailable", `open the store ${path}`, { cause });
  }
}

export const numberIn = (row: Row | undefined, column: string): number | undefined => {
  const value = row?.[column];
  return typeof value === "number" ? value : undefined;
};
export const textIn = (row: Row, column: string): string => String(row[column] ?? "");
export function bytesIn(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : new Uint8Array();
}
