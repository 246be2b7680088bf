/**
 * Writes and lists of the stores that are there: node hack/bench/storage.ts [etcd binary].
 * A write is guarded, of a value of 1,000 bytes; CPU is that of this process, not of etcd.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { EtcdStorage } from "../../pkg/storage/etcd.ts";
import { MemoryStorage } from "../../pkg/storage/memory.ts";
import { SqliteStorage } from "../../pkg/storage/sqlite.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import { etcdBinary, hasEtcd, startEtcd } from "../../test/etcd-server.ts";

const secondsPerRow = 2;
const value = new Uint8Array(1_000).fill(65);

const at = (sorted: readonly number[], share: number): string =>
  (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2);

interface Row {
  readonly store: string;
  readonly what: string;
  readonly "per second": number;
  readonly "p50 ms": string;
  readonly "p99 ms": string;
  readonly "CPU µs each": number;
}

/** Runs `work` in so many loops at once, for a fixed time, after a warm-up. */
async function measure(
  row: { readonly store: string; readonly what: string; readonly loops: number },
  work: (loop: number) => Promise<void>,
): Promise<Row> {
  const run = async (seconds: number): Promise<Row> => {
    const latencies: number[] = [];
    const cpu = process.cpuUsage();
    const start = performance.now();
    const end = start + seconds * 1000;
    const loop = async (index: number): Promise<void> => {
      for (let now = performance.now(); now < end;) {
        await work(index);
        const done = performance.now();
        latencies.push(done - now);
        now = done;
      }
    };
    await Promise.all(Array.from({ length: row.loops }, (_, index) => loop(index)));
    const elapsed = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    latencies.sort((a, b) => a - b);
    return {
      store: row.store,
      what: `${row.what} × ${row.loops}`,
      "per second": Math.round(latencies.length / elapsed),
      "p50 ms": at(latencies, 0.5),
      "p99 ms": at(latencies, 0.99),
      "CPU µs each": Math.round((user + system) / latencies.length),
    };
  };
  await run(secondsPerRow / 4);
  return run(secondsPerRow);
}

async function rowsOf(store: string, storage: Storage): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const loops of [1, 64, 1_000]) {
    let count = 0;
    const create = async (): Promise<void> =>
      void (await storage.put(`/registry/pods/${loops}/${count++}`, value, 0));
    rows.push(await measure({ store, what: "create", loops }, create));
  }
  const revisions = new Map<number, number>();
  const update = async (loop: number): Promise<void> => {
    const key = `/registry/leases/${loop}`;
    revisions.set(loop, await storage.put(key, value, revisions.get(loop) ?? 0));
  };
  rows.push(await measure({ store, what: "update", loops: 64 }, update));
  const list = async (): Promise<void> =>
    void (await storage.list({ prefix: "/registry/pods/64/", limit: 500 }));
  rows.push(await measure({ store, what: "list of 500", loops: 4 }, list));
  await storage.close();
  return rows;
}

const folder = mkdtempSync(join(tmpdir(), "tskube-bench-"));
const rows = [...(await rowsOf("memory", new MemoryStorage(systemClock)))];
const path = join(folder, "store.db");
rows.push(...(await rowsOf("SQLite", new SqliteStorage({ path, clock: systemClock }))));
rmSync(folder, { recursive: true });

const binary = process.argv[2] ?? etcdBinary;
if (process.argv[2] !== undefined || hasEtcd) {
  const server = await startEtcd({ binary });
  const storage = new EtcdStorage({ endpoints: [server.endpoint], clock: systemClock });
  rows.push(...(await rowsOf("etcd", storage)));
  await server.stop();
} else console.log(`no etcd at ${binary}: its rows are left out`);
console.table(rows);
