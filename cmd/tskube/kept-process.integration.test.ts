import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive } from "../wiring/end-process.ts";
import { endKept, readKept } from "./kept-process.ts";

describe("ending a process for good", () => {
  let folder = "";
  let child: ChildProcess;
  const command = [process.execPath, "-e", "setInterval(() => 0, 1_000)", "the-node"] as const;
  const record = (file: string, pid: number): void =>
    writeFileSync(join(folder, file), JSON.stringify({ pid, command, folder: "/" }));
  const end = async (): Promise<readonly number[]> => {
    const ended: number[] = [];
    await endKept(folder, (pid) => ended.push(pid));
    return ended;
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tskube-kept-"));
    child = spawn(command[0], command.slice(1), { stdio: "ignore" });
    await once(child, "spawn");
  });
  afterEach(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  for (const file of ["up.json", "ending.json"]) {
    it(`ends who is written down in ${file}, and forgets it`, async () => {
      const { pid = 0 } = child;
      record(file, pid);
      expect(await end()).toEqual([pid]);
      expect(isAlive(pid)).toBe(false);
      expect(readKept(folder)).toBeUndefined();
      expect(existsSync(join(folder, "ending.json"))).toBe(false);
    });
  }

  it("spares a process that has the number of one that is gone", async () => {
    record("ending.json", process.ppid);
    expect(await end()).toEqual([]);
  });
});
