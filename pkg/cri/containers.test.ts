import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../telemetry/logger.ts";
import type { CriContext } from "./context.ts";
import { Containers } from "./containers.ts";
import { CriEvents } from "./events.ts";
import { containerCodec } from "./record-codecs.ts";
import { RecordStore } from "./record-store.ts";
import type { Exit } from "./supervisor-contract.ts";

/** What of the runtime an exit touches. */
function contextIn(state: string, onExit: (listener: (exit: Exit) => void) => void) {
  const timers: (() => void)[] = [];
  const failures: (() => void)[] = [];
  const logger = { ...silentLogger, error: () => failures.splice(0).forEach((tell) => tell()) };
  const context = {
    paths: { state, run: state },
    supervisor: {
      onExit,
      list: async () => ({
        running: [{ id: "a1", pid: 5, startedAtMs: 1 }],
        exited: [],
      }),
      remove: async () => undefined,
    },
    images: { snapshots: { list: () => [] } },
    logger,
    clock: {
      after: (_ms: number, work: () => void) => {
        timers.push(work);
        return { [Symbol.dispose]: () => undefined };
      },
    },
  } as unknown as CriContext;
  const failed = (): Promise<void> => new Promise((resolve) => failures.push(resolve));
  return { context, timers, failed };
}

describe("an exit", () => {
  let folder = "";
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "tskube-containers-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("that cannot be written down is written down later, and told of then", async () => {
    const store = await RecordStore.open(join(folder, "containers"), containerCodec);
    await store.put({
      id: "a1",
      sandboxId: "s",
      config: {},
      imageName: "i",
      imageId: "i",
      imageRef: "i",
      user: { uid: 0, gid: 0, groups: [] },
      stopSignal: 15,
      logPath: "",
      spec: { ociVersion: "1.3.0" },
      createdAtMs: 1,
      life: { at: "running", pid: 5, startedAtMs: 1 },
    });
    let tell: (exit: Exit) => void = () => undefined;
    const { context, timers, failed } = contextIn(folder, (listener) => (tell = listener));
    const events = new CriEvents();
    const containers = await Containers.open({ context, events, sandboxIds: new Set() });
    const heard = events.listen().next();
    // As a full disk does: the draft of the record cannot be written.
    const draft = join(folder, "containers/a1/record.json.new");
    mkdirSync(draft);
    const failure = failed();
    tell({ id: "a1", exitCode: 3, oomKilled: false, startedAtMs: 1, finishedAtMs: 2 });
    await failure;
    await Promise.resolve();
    expect(containers.get("a1").life.at).toBe("running");
    rmSync(draft, { recursive: true });
    for (const work of timers.splice(0)) work();
    expect(await heard).toMatchObject({
      value: { happening: "stopped", record: { life: { at: "exited", exitCode: 3 } } },
    });
  });
});
