/** Writes to the SQLite file that it is given until it is killed, and prints what was promised. */
import { systemClock } from "../../base/system-clock.ts";
import { SqliteStorage } from "../sqlite.ts";

const storage = new SqliteStorage({ path: process.argv[2] ?? "", clock: systemClock });
const value = new Uint8Array(1_000);
for (let index = 0; ; index += 10) {
  const keys = Array.from({ length: 10 }, (_, offset) => `/registry/${index + offset}`);
  const lines = keys.map(async (key) => `${key} ${await storage.put(key, value, 0)}\n`);
  process.stdout.write((await Promise.all(lines)).join(""));
}
