/** What was said, in a SQLite file that all workers share. */
const { join } = require("node:path");
const Database = require("libsql");

const database = new Database(process.env.CHAT_DATABASE ?? join(__dirname, "chat.db"));

// Only one worker writes at a time; the others wait for their turn.
database.pragma("busy_timeout = 5000");
try {
  // With a write-ahead log nobody waits to read.
  database.pragma("journal_mode = WAL");
} catch (error) {
  // Another worker, which started at the same moment, is just seeing to it.
  if (error.code !== "SQLITE_BUSY") throw error;
}
database.exec(`
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL
  )`);

const find = database.prepare("SELECT id FROM messages WHERE key = ?");
const insert = database.prepare("INSERT INTO messages (key, text) VALUES (?, ?) RETURNING id");
const later = database.prepare("SELECT id, text FROM messages WHERE id > ? ORDER BY id");

module.exports = {
  /** Stores a message under the key its author gave it, unless it is there already; returns its number. */
  add: (key, text) => (find.get(key) ?? insert.get(key, text)).id,

  /** All messages after the one with this number. */
  after: (id) => later.all(id),
};
