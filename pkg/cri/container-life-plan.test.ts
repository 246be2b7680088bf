import { describe, expect, it } from "vitest";
import { endOf, planRecovery } from "./container-life-plan.ts";
import type { ContainerLife, ContainerRecord } from "./records.ts";

const record = (life: ContainerLife): ContainerRecord => ({
  id: "a",
  sandboxId: "s",
  config: {},
  imageName: "",
  imageId: "",
  imageRef: "",
  user: { uid: 0, gid: 0, groups: [] },
  stopSignal: 15,
  logPath: "",
  spec: { ociVersion: "1.3.0" },
  createdAtMs: 1,
  life,
});
const created = { at: "created" } as const;
const running = { at: "running", pid: 5, startedAtMs: 10 } as const;
const exited = endOf({
  id: "a",
  exitCode: 0,
  oomKilled: false,
  startedAtMs: 1,
  finishedAtMs: 2,
});
const alive = { id: "a", pid: 5, startedAtMs: 10 };
const exit = { id: "a", exitCode: 3, oomKilled: false, startedAtMs: 10, finishedAtMs: 20 };

describe("endOf", () => {
  it.each([
    [{ exitCode: 0 }, 0, "Completed"],
    [{ exitCode: 3 }, 3, "Error"],
    [{ exitCode: 137, oomKilled: true }, 137, "OOMKilled"],
    [{ exitCode: undefined }, 255, "Unknown"],
  ])("%j", (more, exitCode, reason) => {
    expect(endOf({ ...exit, ...more })).toMatchObject({ exitCode, reason });
  });
});

describe("planRecovery", () => {
  it.each([
    ["started before its record said so", created, { running: [alive], exited: [] }, "running"],
    ["ended while nobody listened", running, { running: [], exited: [exit] }, "exited"],
    ["started and ended unseen", created, { running: [], exited: [exit] }, "exited"],
    ["gone without a trace", running, { running: [], exited: [] }, "exited"],
    ["another process", running, { running: [{ ...alive, pid: 6 }], exited: [] }, "running"],
  ])("%s", (_title, life, known, at) => {
    const [recovered] = planRecovery([record(life)], known);
    expect(recovered?.life.at).toBe(at);
  });

  it("never takes an unseen end for success", () => {
    const [recovered] = planRecovery([record(running)], { running: [], exited: [] });
    expect(recovered?.life).toMatchObject({ exitCode: 255, reason: "Unknown" });
  });

  it.each([
    ["never started", created, { running: [], exited: [] }],
    ["still runs", running, { running: [alive], exited: [] }],
    ["has ended before", exited, { running: [], exited: [exit] }],
  ])("leaves alone what %s", (_title, life, known) => {
    expect(planRecovery([record(life)], known)).toEqual([]);
  });
});
