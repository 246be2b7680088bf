import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Spec } from "../../api/oci/runtime.ts";
import { busyboxRootfs, missingForRootfs } from "../../test/builders/busybox-rootfs.ts";
import { ociSpec, type SpecChanges } from "../../test/builders/oci-spec.ts";
import { systemClock } from "../base/system-clock.ts";
import { readCgroupHost, removeCgroup, cgroupProcesses } from "../linux/cgroup.ts";
import { collectExit, openPidfd } from "../linux/process.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { connectSupervisor } from "./supervisor-client.ts";
import type { ContainerStdio, Exit, Supervisor } from "./supervisor-contract.ts";

const missing = missingForRootfs();
if (missing !== undefined) process.stderr.write(`supervisor tests are skipped: ${missing}\n`);

const program = join(import.meta.dirname, "../../cmd/tskube-supervisor/main.ts");
const cgroupRoot = `/tskube/test-supervisor-${process.pid}`;
const plain: ContainerStdio = { tty: false, stdin: false, stdinOnce: false };

describe.skipIf(missing !== undefined)("the supervisor", () => {
  let folder: string;
  let rootfs: string;
  let supervisor: Supervisor;
  const exits = new Map<string, Exit>();
  const waiting = new Map<string, (exit: Exit) => void>();
  let count = 0;

  const connect = async (): Promise<Supervisor> => {
    const state = join(folder, "state");
    const connected = await connectSupervisor({
      stateFolder: state,
      command: [process.execPath, "--no-warnings", program, state],
      logDescriptor: openSync(join(folder, "log"), "a"),
      clock: systemClock,
      logger: silentLogger,
    });
    connected.onExit((exit) => {
      exits.set(exit.id, exit);
      waiting.get(exit.id)?.(exit);
    });
    return connected;
  };

  /** The supervisor's own pid: who holds its lock. */
  const supervisorPid = (): number => {
    const inode = `:${statSync(join(folder, "state/lock")).ino} `;
    const line = readFileSync("/proc/locks", "utf8")
      .split("\n")
      .find((one) => one.includes(inode));
    return Number(line?.trim().split(/\s+/)[4]);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tskube-supervisor-"));
    rootfs = busyboxRootfs(join(folder, "rootfs"));
    supervisor = await connect();
  });

  afterAll(async () => {
    const { running, exited } = await supervisor.list();
    for (const { id } of [...running, ...exited]) await supervisor.remove(id);
    await supervisor.close();
    process.kill(supervisorPid(), "SIGTERM");
    removeCgroup(systemKernel(), readCgroupHost(), cgroupRoot);
    rmSync(folder, { recursive: true });
  });

  const start = async (
    args: readonly string[],
    stdio: Partial<ContainerStdio> = {},
    changes: SpecChanges = {},
  ) => {
    const id = `c${++count}`;
    const logPath = join(folder, `${id}.log`);
    const upper = join(folder, id, "upper");
    const work = join(folder, id, "work");
    for (const path of [upper, work]) mkdirSync(path, { recursive: true });
    const spec: Spec = ociSpec(`${cgroupRoot}/${id}`, args, changes);
    const overlay = { lower: [rootfs], upper, work };
    const started = await supervisor.start({
      id,
      spec,
      overlay,
      stdio: { ...plain, logPath, ...stdio },
    });
    return { id, logPath, pid: started.pid };
  };

  const exitOf = (id: string): Promise<Exit> => {
    const exit = exits.get(id);
    return exit === undefined
      ? new Promise((resolve) => waiting.set(id, resolve))
      : Promise.resolve(exit);
  };

  const contents = (logPath: string): string[] =>
    readFileSync(logPath, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ").slice(1).join(" "));

  const readUntil = async (output: AsyncIterable<{ data: Uint8Array }>, text: string) => {
    let all = "";
    for await (const { data } of output) {
      all += Buffer.from(data).toString();
      if (all.includes(text)) return all;
    }
    throw new Error(`${JSON.stringify(all)} ended without ${text}`);
  };

  it("starts a container, logs both streams, and tells how it ended", async () => {
    const { id, logPath } = await start(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(await exitOf(id)).toMatchObject({ exitCode: 7, oomKilled: false });
    expect(contents(logPath).toSorted()).toEqual(["stderr F err", "stdout F out"]);
    expect((await supervisor.list()).exited.map((exit) => exit.id)).toContain(id);
    await supervisor.remove(id);
    expect((await supervisor.list()).exited.map((exit) => exit.id)).not.toContain(id);
  });

  it("names the step that failed, and leaves nothing", async () => {
    await expect(start(["/nope"])).rejects.toMatchObject({
      message: "execve /nope: ENOENT",
      code: "ENOENT",
    });
    expect(cgroupProcesses(readCgroupHost(), `${cgroupRoot}/c${count}`)).toEqual([]);
  });

  it("says 128 + signal, and reaches every process of a container", async () => {
    const { id } = await start(["sh", "-c", "trap '' TERM; sleep 1000 & wait"]);
    await supervisor.signal(id, 9, true);
    expect(await exitOf(id)).toMatchObject({ exitCode: 137 });
  });

  it("tells that memory ran out", async () => {
    const { id } = await start(
      ["sh", "-c", "x=$(dd if=/dev/zero bs=1M count=64 | tr '\\0' x); echo ${#x}"],
      {},
      { linux: { resources: { memory: { limit: 16 * 2 ** 20, swap: 16 * 2 ** 20 } } } },
    );
    expect(await exitOf(id)).toMatchObject({ oomKilled: true });
  });

  it("carries input to a container and its output back, and ends with the first client", async () => {
    const { id } = await start(["cat"], { stdin: true, stdinOnce: true });
    const client = await supervisor.attach(id);
    await client.write(Buffer.from("to and fro\n"));
    expect(await readUntil(client.output, "fro\n")).toBe("to and fro\n");
    client.close();
    expect(await exitOf(id)).toMatchObject({ exitCode: 0 });
  });

  it("gives a terminal of the container's own, of the size asked for", async () => {
    const { id } = await start(
      ["sh", "-c", "tty; read line; stty size"],
      { tty: true, stdin: true },
      { process: { terminal: true } },
    );
    const client = await supervisor.attach(id);
    await supervisor.resize(id, { width: 132, height: 50 });
    await client.write(Buffer.from("\n"));
    expect(await readUntil(client.output, "50 132")).toContain("50 132");
    expect(await exitOf(id)).toMatchObject({ exitCode: 0 });
  });

  it("writes to a new file once the old one was renamed", async () => {
    const { id, logPath } = await start(["sh", "-c", "echo 1; read x; echo 2"], {
      stdin: true,
      stdinOnce: false,
    });
    const client = await supervisor.attach(id);
    await expect.poll(() => readFileSync(logPath, "utf8")).toContain("F 1");
    renameSync(logPath, `${logPath}.1`);
    await supervisor.reopenLog(id);
    await client.write(Buffer.from("\n"));
    await exitOf(id);
    expect(contents(`${logPath}.1`)).toEqual(["stdout F 1"]);
    expect(contents(logPath)).toEqual(["stdout F 2"]);
  });

  it("may be killed: containers go on, logs resume, exits are known, the client reconnects", async () => {
    const { id, logPath, pid } = await start(
      ["sh", "-c", "echo before; read x; echo after; exit 3"],
      { stdin: true },
    );
    await expect.poll(() => readFileSync(logPath, "utf8")).toContain("F before");
    const before = supervisorPid();
    process.kill(before, "SIGKILL");
    await expect
      .poll(async () => (await supervisor.list().catch(() => undefined))?.running)
      .toMatchObject([{ id, pid }]);
    expect(supervisorPid()).not.toBe(before);
    const client = await supervisor.attach(id);
    await client.write(Buffer.from("\n"));
    const exit = await exitOf(id);
    // Before Linux 6.15 nobody tells when the new parent was quicker than we.
    expect([3, undefined]).toContain(exit.exitCode);
    expect(contents(logPath)).toEqual(["stdout F before", "stdout F after"]);
  });

  it("may be killed: a terminal does not hang up", async () => {
    const { id } = await start(
      ["sh", "-c", "trap 'exit 9' HUP; read line; echo got $line"],
      { tty: true, stdin: true },
      { process: { terminal: true } },
    );
    const before = supervisorPid();
    process.kill(before, "SIGKILL");
    await expect
      .poll(async () => (await supervisor.list().catch(() => undefined))?.running)
      .toMatchObject([{ id }]);
    const client = await supervisor.attach(id);
    await client.write(Buffer.from("it\n"));
    expect(await readUntil(client.output, "got it")).toContain("got it");
    expect([0, undefined]).toContain((await exitOf(id)).exitCode);
  });

  it("loses no line of a container that ends while no supervisor is there", async () => {
    const { id, logPath, pid } = await start(["sh", "-c", "read x; echo last words"], {
      stdin: true,
      stdinOnce: false,
    });
    const client = await supervisor.attach(id);
    const supervised = supervisorPid();
    const kernel = systemKernel();
    // As an init does it, we collect orphans: then only the log and the FIFO know of them.
    kernel.call("prctl", [["PR_SET_CHILD_SUBREAPER"], 1, 0, 0, 0]);
    const orphan = openPidfd(kernel, pid) ?? -1;
    const input = openSync(join(folder, "state/containers", id, "in"), "w");
    process.kill(supervised, "SIGSTOP");
    writeSync(input, "\n");
    closeSync(input);
    await expect.poll(() => isRunning(pid)).toBe(false);
    client.close();
    process.kill(supervised, "SIGKILL");
    await expect.poll(() => collected(orphan), { interval: 5 }).toBe(0);
    closeSync(orphan);
    expect([0, undefined]).toContain((await exitOf(id)).exitCode);
    expect(contents(logPath)).toEqual(["stdout F last words"]);
  });

  it("reports an exit that nobody saw as unknown", async () => {
    const { id, pid } = await start(["sleep", "1000"]);
    const supervised = supervisorPid();
    process.kill(supervised, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    process.kill(supervised, "SIGKILL");
    const exit = await exitOf(id);
    expect([137, undefined]).toContain(exit.exitCode);
  });
});

/** A process that has ended is a zombie until its parent has collected it. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Undefined until it is a child of ours. */
function collected(pidfd: number): number | undefined {
  try {
    return collectExit(systemKernel(), pidfd);
  } catch {
    return undefined;
  }
}
