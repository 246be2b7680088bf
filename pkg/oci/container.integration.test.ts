import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Process, Spec } from "../../api/oci/runtime.ts";
import { busyboxRootfs, missingForRootfs } from "../../test/builders/busybox-rootfs.ts";
import { ociSpec, type SpecChanges } from "../../test/builders/oci-spec.ts";
import { removeCgroup } from "../linux/cgroup.ts";
import { controllerFolder } from "../linux/cgroup-host.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { execInContainer } from "./exec.ts";
import type { ExecSession } from "./exec-contract.ts";
import { runSession } from "./exec-session.ts";
import { pipeStdio } from "./exec-stdio.ts";
import { readHost } from "./host.ts";
import { startContainer } from "./start.ts";

const missing = missingForRootfs();
if (missing !== undefined) process.stderr.write(`container tests are skipped: ${missing}\n`);

describe.skipIf(missing !== undefined)("a container", () => {
  const kernel = systemKernel();
  const host = readHost();
  const cgroup = `/tskube/test-oci-${process.pid}`;
  let folder: string;
  let rootfs: string;
  let count = 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tskube-oci-"));
    rootfs = busyboxRootfs(join(folder, "rootfs"));
  });
  afterAll(() => {
    removeCgroup(kernel, host.cgroup, cgroup);
    rmSync(folder, { recursive: true });
  });

  function start(args: readonly string[], changes: SpecChanges = {}, on = host) {
    const id = `c${++count}`;
    const [upper, work] = ["upper", "work"].map((name) => join(folder, id, name));
    for (const path of [upper, work]) mkdirSync(path ?? "", { recursive: true });
    const path = `${cgroup}/${id}`;
    const spec = ociSpec(path, args, changes);
    const overlay = { lower: [rootfs], upper: upper ?? "", work: work ?? "" };
    const stdio = pipeStdio(kernel, true);
    try {
      const started = startContainer(kernel, on, { id, spec, overlay, stdio: stdio.plan });
      const session = runSession(kernel, started, stdio.take());
      return { session, spec, path, warnings: started.warnings };
    } catch (error) {
      stdio.cancel();
      throw error;
    } finally {
      stdio.closeTheirs();
    }
  }

  async function outcome(session: ExecSession): Promise<{ code: number; out: string }> {
    session.closeStdin();
    let out = "";
    for await (const { data } of session.output) out += Buffer.from(data).toString();
    return { code: await session.exitCode, out: out.trimEnd() };
  }

  async function run(script: string, changes: SpecChanges = {}): Promise<string> {
    const { session, path } = start(["sh", "-c", script], changes);
    const { out } = await outcome(session);
    removeCgroup(kernel, host.cgroup, path);
    return out;
  }

  async function running<T>(
    changes: SpecChanges,
    body: (container: {
      pid: number;
      spec: Spec;
      path: string;
      exec: (process: Partial<Process>) => Promise<{ code: number; out: string }>;
    }) => Promise<T>,
  ): Promise<void> {
    const { session, spec, path } = start(["sleep", "1000"], changes);
    const exec = async (process: Partial<Process>) => {
      const whole = { cwd: "/", env: ["PATH=/bin"], ...process };
      const request = { pid: session.pid, spec, process: whole, stdin: false };
      using one = execInContainer(kernel, host, request);
      return await outcome(one);
    };
    try {
      await body({ pid: session.pid, spec, path, exec });
    } finally {
      session.signal(9);
      await outcome(session);
      removeCgroup(kernel, host.cgroup, path);
    }
  }

  it("has namespaces of its own, all of them", async () => {
    const kinds = ["pid", "net", "ipc", "uts", "mnt", "cgroup"];
    const out = await run(`cd /proc/self/ns; for n in ${kinds.join(" ")}; do readlink $n; done`);
    const ours = kinds.map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
    const theirs = out.split("\n");
    expect(theirs).toHaveLength(kinds.length);
    for (const [index, one] of ours.entries()) expect(theirs[index]).not.toBe(one);
  });

  it("sees its own root, processes and name, and nothing of the host", async () => {
    const out = await run("ls /; echo $$; hostname; ls /proc | grep -c '^[0-9]'; ls -l /proc/1/fd");
    expect(out).toMatch(/^bin\ndev\netc\nlib\nlib64\nproc\nsys\ntmp\n1\ntest\n/);
    expect(out).not.toContain(folder);
  });

  it("leaves no mount on the host", async () => {
    await running({}, () => {
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(folder);
      return Promise.resolve();
    });
  });

  it("has the capabilities, filter and privileges asked for, and no more", async () => {
    const out = await run("grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status");
    const set = "00000000a80425fb";
    expect(out.replaceAll("\t", "").split("\n")).toEqual([
      `CapPrm:${set}`,
      `CapEff:${set}`,
      `CapBnd:${set}`,
      "CapAmb:0000000000000000",
      "NoNewPrivs:1",
      "Seccomp:2",
    ]);
  });

  it("may not mount, unshare or write to the kernel's settings", async () => {
    const out = await run(
      "mount -t tmpfs x /tmp; unshare -n true; echo 1 > /proc/sys/kernel/panic; cat /proc/keys",
    );
    expect(out).toContain("mount: permission denied");
    expect(out).toMatch(/unshare.*Operation not permitted/);
    expect(out).toContain("/proc/sys/kernel/panic: Read-only file system");
    expect(out.split("\n")).toHaveLength(3);
  });

  it("is who it was asked to be", async () => {
    const user = { uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 0o27 };
    const capabilities = { bounding: ["CAP_CHOWN"], ambient: [] };
    const out = await run("id -u; id -G; umask; grep CapPrm /proc/self/status; pwd", {
      process: { user, capabilities, cwd: "/home/made/here" },
    });
    expect(out.split("\n")).toEqual([
      "1000",
      "1001 7 8",
      "0027",
      "CapPrm:\t0000000000000000",
      "/home/made/here",
    ]);
  });

  it("keeps ambient capabilities over execve as a plain user", async () => {
    const one = ["CAP_NET_BIND_SERVICE"];
    const capabilities = { bounding: one, permitted: one, inheritable: one, ambient: one };
    const out = await run("grep -E 'Cap(Eff|Amb)' /proc/self/status", {
      process: { user: { uid: 1000 }, capabilities },
    });
    expect(out).toBe("CapEff:\t0000000000000400\nCapAmb:\t0000000000000400");
  });

  it("has limits in its cgroup, and is in it", async () => {
    const resources = { memory: { limit: 2 ** 25 }, pids: { limit: 20 } };
    await running({ linux: { resources } }, async ({ pid, path, exec }) => {
      const memory = controllerFolder(host.cgroup, "memory", path) ?? "";
      const file = host.cgroup.style === "v2" ? "memory.max" : "memory.limit_in_bytes";
      expect(readFileSync(join(memory, file), "utf8").trim()).toBe(String(2 ** 25));
      const places = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
      for (const place of places) expect(place).toContain(path);
      const inside = await exec({ args: ["cat", "/proc/self/cgroup"] });
      for (const line of inside.out.split("\n")) expect(line).toMatch(/:\/$/);
    });
  });

  it("may use only the devices of its cgroup", async () => {
    const out = await run("mknod /tmp/vda b 254 0 && cat /tmp/vda; echo x > /dev/null && echo ok");
    expect(out).toMatch(/vda.*Operation not permitted\nok$/);
  });

  it("sees volumes as asked: folders, files, read-only, below one another", async () => {
    const data = join(folder, "data");
    mkdirSync(join(data, "inner"), { recursive: true });
    writeFileSync(join(data, "file"), "content\n");
    const bind = (destination: string, source: string, ...options: string[]) => ({
      destination,
      source,
      type: "bind",
      options: ["rbind", ...options],
    });
    const out = await run(
      "cat /mnt/a/file /etc/one; echo x > /mnt/a/new; echo x > /mnt/ro/new; echo x > /etc/one",
      {
        mounts: [
          bind("/mnt/a", data),
          bind("/mnt/ro", data, "ro"),
          bind("/etc/one", join(data, "file"), "rro"),
        ],
      },
    );
    expect(out.split("\n").slice(0, 2)).toEqual(["content", "content"]);
    expect(out).toContain("/mnt/ro/new: Read-only file system");
    expect(out).toContain("/etc/one: Read-only file system");
    expect(readFileSync(join(data, "new"), "utf8")).toBe("x\n");
  });

  it("does not follow an image's link in place of /proc", () => {
    const evil = join(folder, "evil");
    busyboxRootfs(evil);
    rmSync(join(evil, "proc"), { recursive: true });
    kernel.call("symlinkat", ["/tmp", ["AT_FDCWD"], join(evil, "proc")]);
    const before = rootfs;
    rootfs = evil;
    expect(() => start(["true"])).toThrow("openat2 /proc: ELOOP");
    rootfs = before;
  });

  it("mounts its layers as kernels before 6.5 want it", async () => {
    const old = { ...host, overlayLayersOneByOne: false };
    const { session, path } = start(["sh", "-c", "ls /bin/sh; mount | grep ' / '"], {}, old);
    const { out } = await outcome(session);
    removeCgroup(kernel, host.cgroup, path);
    expect(out).toMatch(/^\/bin\/sh\noverlay on \/ type overlay/);
  });

  it("shares a pid namespace by joining it", async () => {
    await running({}, async ({ pid, exec }) => {
      const namespaces = ociSpec("", []).linux?.namespaces?.map((one) =>
        one.type === "pid" ? { ...one, path: `/proc/${pid}/ns/pid` } : one,
      );
      const out = await run("ps | grep -c '[s]leep 1000'; echo $$", {
        linux: { namespaces: namespaces ?? [] },
      });
      expect(out).toBe("1\n2");
      expect((await exec({ args: ["true"] })).code).toBe(0);
    });
  });

  it("has a read-only root where asked", async () => {
    const root = { path: "/nowhere", readonly: true };
    expect(await run("touch /x; touch /dev/shm/y && echo ok", { root })).toBe(
      "touch: /x: Read-only file system\nok",
    );
  });

  for (const [title, changes, args, message] of [
    ["a program that is not there", {}, ["/nope"], "execve /nope: ENOENT"],
    ["a folder as a program", {}, ["/etc"], "execve /etc: EACCES"],
    [
      "a volume that is not there",
      { mounts: [{ destination: "/x", source: "/not/there", type: "bind" }] },
      ["true"],
      "open_tree /not/there: ENOENT",
    ],
    [
      "a namespace that is not there",
      { linux: { namespaces: [{ type: "mount" }, { type: "uts", path: "/not/there" }] } },
      ["true"],
      "openat /not/there: ENOENT",
    ],
  ] as const) {
    it(`names the step that failed: ${title}`, () => {
      expect(() => start(args, changes)).toThrow(message);
    });
  }

  it("takes one more process: same namespaces, cgroup, filter, its own exit code", async () => {
    await running({}, async ({ exec }) => {
      const one = await exec({ args: ["sh", "-c", "hostname; ls -d /proc/1; id -u; exit 3"] });
      expect(one).toEqual({ code: 3, out: "test\n/proc/1\n0" });
      const filter = await exec({ args: ["grep", "Seccomp:", "/proc/self/status"] });
      expect(filter.out).toBe("Seccomp:\t2");
      const other = await exec({ args: ["id", "-u"], user: { uid: 12, gid: 12 } });
      expect(other.out).toBe("12");
      await expect(exec({ args: ["nope"] })).rejects.toThrow("execve /bin/nope: ENOENT");
      await expect(exec({ args: ["true"], cwd: "/nope" })).rejects.toThrow("chdir /nope: ENOENT");
    });
  });

  it("gives one more process a terminal of its own", async () => {
    await running({}, async ({ exec }) => {
      const consoleSize = { width: 101, height: 33 };
      const { out } = await exec({
        args: ["sh", "-c", "tty; stty size"],
        terminal: true,
        consoleSize,
      });
      expect(out).toBe("/dev/pts/0\r\n33 101");
    });
  });
});
