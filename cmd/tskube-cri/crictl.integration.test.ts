import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDebianImage } from "../../pkg/images/debian-image.ts";
import { busyboxImage, nginxImage } from "../../pkg/images/debian-recipes.ts";
import { startLocalRegistry, type LocalRegistry } from "../../pkg/images/testing/local-registry.ts";
import { openImages } from "../wiring/cri-runtime.ts";
import { systemDoors } from "../wiring/doors.ts";
import { removeCriRuntime } from "../wiring/remove-cri.ts";

/** Upstream's own client is the judge. TSKUBE_CRICTL names its binary. */
const crictl = process.env["TSKUBE_CRICTL"] ?? "crictl";
const isThere = spawnSync(crictl, ["--version"]).status === 0 && process.getuid?.() === 0;
if (!isThere) console.log("skipped: needs root, and upstream's crictl (TSKUBE_CRICTL=/path)");

const root = isThere ? mkdtempSync(join(tmpdir(), "tskube-cri-")) : "";
const socket = join(root, "cri.sock");
const run = promisify(execFile);
const bridge = "tskcritest0";
const podCidr = "10.251.7.0/24";
const supervisor = fileURLToPath(new URL("../tskube-supervisor/main.ts", import.meta.url));
let daemon: ChildProcess;
let registry: LocalRegistry;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cri(...args: readonly string[]): Promise<Result> {
  const whole = ["-r", `unix://${socket}`, "-i", `unix://${socket}`, ...args];
  return await run(crictl, whole).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Result) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

/** The one line that a call prints: an id mostly. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cri(...args);
  expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout.trim();
}

async function startDaemon(): Promise<void> {
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const flags = ["--socket", socket, "--root", join(root, "data"), "--state", join(root, "run")];
  const network = ["--bridge", bridge, "--pod-cidr", podCidr];
  const args = [main, ...flags, ...network, "--registries", join(root, "registries.yaml")];
  daemon = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of daemon.stdout ?? []) if (String(line).includes("serving CRI")) break;
  daemon.stdout?.resume();
}

async function killDaemon(signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill(signal);
  await ended;
}

let made = 0;
function config(content: object): string {
  const path = join(root, `config-${made++}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const podConfig = (name: string, linux: object = {}): string =>
  config({
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
    hostname: name,
    log_directory: join(root, "logs", name),
    linux: { cgroup_parent: "/tskube-cri-test", ...linux },
  });

async function startContainer(pod: string, podFile: string, content: object): Promise<string> {
  const name = `c${made}`;
  const container = config({ metadata: { name }, log_path: `${name}.log`, linux: {}, ...content });
  const id = await ok("create", pod, container, podFile);
  await ok("start", id);
  return id;
}

const busybox = (...command: string[]) => ({ image: { image: "busybox" }, command });

async function status(id: string): Promise<Readonly<Record<string, unknown>>> {
  const json = JSON.parse(await ok("inspect", "-o", "json", id)) as {
    readonly status: Readonly<Record<string, unknown>>;
  };
  return json.status;
}

const mountsBelow = (folder: string): readonly string[] =>
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder));

/** Level-triggered: asks until it is so. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (!(await isSo())) {
    if (deadline.aborted) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const get = async (url: string): Promise<string> =>
  await new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => (body += String(chunk)));
      answer.on("end", () => resolve(body));
    });
    outgoing.on("error", reject).end();
  });

describe.runIf(isThere)("tskube-cri under crictl", () => {
  beforeAll(async () => {
    const images = await openImages(join(root, "data"), systemDoors("test", "error"));
    const cache = join(tmpdir(), "tskube-deb-cache");
    const image = await buildDebianImage(images, busyboxImage, { cache });
    await buildDebianImage(images, nginxImage, { cache });
    registry = await startLocalRegistry();
    await registry.push(images, image, "mirrored/busybox", "1");
    const mirrors = { "registry.example": [`http://${registry.host}`] };
    writeFileSync(join(root, "registries.yaml"), JSON.stringify({ mirrors }));
    await startDaemon();
  });

  afterAll(async () => {
    await killDaemon("SIGKILL");
    // One pod is left running, to be found and removed.
    await removeCriRuntime(
      {
        dataFolder: join(root, "data"),
        runFolder: join(root, "run"),
        supervisor: [process.execPath, supervisor],
        podCidr,
        serviceCidr: "10.96.0.0/16",
        bridge,
        registriesFile: "",
      },
      systemDoors("test", "error"),
    );
    expect(mountsBelow(root)).toEqual([]);
    await registry[Symbol.asyncDispose]();
    rmSync(root, { recursive: true, force: true });
  });

  it("tells its version and that it is ready", async () => {
    expect(await ok("version")).toContain("RuntimeName:  tskube");
    const info = JSON.parse(await ok("info", "-o", "json")) as {
      status: { conditions: { status: boolean }[] };
    };
    expect(info.status.conditions.map(({ status: isTrue }) => isTrue)).toEqual([true, true]);
  });

  it("lists, pulls through a mirror, inspects and removes images", async () => {
    await ok("pull", "registry.example/mirrored/busybox:1");
    const images = await ok("images");
    expect(images).toMatch(/docker\.io\/library\/nginx +latest/);
    expect(images).toMatch(/registry\.example\/mirrored\/busybox +1 /);
    expect(await ok("inspecti", "nginx")).toContain("docker.io/library/nginx:latest");
    const missing = await cri("pull", "registry.example/mirrored/none:1");
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain("not found");
  });

  it("serves nginx in a pod of its own address, as nobody's neighbour", async () => {
    const file = podConfig("web");
    const pod = await ok("runp", file);
    const security_context = { seccomp: { profile_type: 0 }, no_new_privs: true };
    const web = { image: { image: "nginx" }, linux: { security_context } };
    const id = await startContainer(pod, file, web);
    const inspected = JSON.parse(await ok("inspectp", "-o", "json", pod)) as {
      status: { network: { ip: string } };
    };
    const url = `http://${inspected.status.network.ip}/`;
    await until("nginx listens", async () => await get(url).then(Boolean, () => false));
    expect(await get(url)).toContain("Welcome to nginx!");
    await until("the access is in the log", async () => (await ok("logs", id)).includes("GET /"));
    const stats = JSON.parse(await ok("stats", "-o", "json", "--id", id)) as {
      stats: { memory: { workingSetBytes: { value: string } } }[];
    };
    expect(Number(stats.stats[0]?.memory.workingSetBytes.value)).toBeGreaterThan(100_000);
    expect(await ok("metricdescs")).toContain("container_network_receive_bytes_total");
    const metrics = await ok("metricsp");
    expect(metrics).toContain("container_memory_working_set_bytes");
    expect(metrics).toContain("container_network_receive_bytes_total");
    await ok("stop", "-t", "10", id);
    // nginx ends by itself on the SIGQUIT that its image names.
    expect(await status(id)).toMatchObject({ exitCode: 0, reason: "Completed" });
    await ok("rm", id);
    await ok("stopp", pod);
    await ok("rmp", pod);
  });

  it("runs commands: synchronously, streamed, with input and with a terminal", async () => {
    const file = podConfig("exec", { security_context: { namespace_options: { pid: 1 } } });
    const pod = await ok("runp", file);
    const id = await startContainer(pod, file, busybox("sleep", "1000"));
    const sync = await cri("exec", "-s", id, "sh", "-c", "echo out; echo err >&2; exit 7");
    expect(sync.stderr).toContain("exited with 7");
    expect(await ok("exec", "-s", id, "hostname")).toBe("exec");
    const streamed = await cri("exec", id, "sh", "-c", "echo out; echo err >&2; exit 3");
    expect(streamed.stdout).toBe("out\n");
    expect(streamed.stderr).toContain("err");
    expect(streamed.stderr).toContain("exit code 3");
    const shell = `echo typed | ${crictl} -r unix://${socket} exec -i ${id} cat`;
    expect((await run("sh", ["-c", shell])).stdout).toBe("typed\n");
    const tty = `${crictl} -r unix://${socket} exec -it ${id} tty`;
    const typed = await run("script", ["-qec", tty, "/dev/null"]);
    expect(typed.stdout).toContain("/dev/pts/");
    // What a plain user prints by opening /dev/stdout again, as servers' logs are often written.
    const security_context = { run_as_user: { value: 1000 } };
    const again = busybox("sh", "-c", "echo opened > /dev/stdout; sleep 1000");
    const plain = await startContainer(pod, file, { ...again, linux: { security_context } });
    await until("it is in the log", async () => (await ok("logs", plain)) === "opened");
    expect(await ok("exec", "-s", plain, "sh", "-c", "echo too > /dev/stdout")).toBe("too");
    const own = `${crictl} -r unix://${socket} exec -it ${plain} sh -c 'echo mine > $(tty)'`;
    expect((await run("script", ["-qec", own, "/dev/null"])).stdout).toContain("mine");
    const late = await cri("exec", "-s", "--timeout", "1", id, "sleep", "543");
    expect(late.stderr).toContain("timed out");
    expect(await ok("exec", "-s", id, "ps")).not.toContain("543");
    await ok("rmp", "-f", pod);
  });

  it("loses nothing when it is killed: containers, logs and exit codes", async () => {
    const file = podConfig("survivor");
    const pod = await ok("runp", file);
    const loop = "i=0; while [ ! -e /tmp/end ]; do echo line $i; i=$((i+1)); sleep 0.05; done";
    const id = await startContainer(pod, file, busybox("sh", "-c", `${loop}; exit 9`));
    const log = String((await status(id))["logPath"]);
    await killDaemon("SIGKILL");
    const linesNow = (): number => readFileSync(log, "utf8").split("\n").length;
    const before = linesNow();
    await until("the log goes on", async () => linesNow() > before + 3);
    await startDaemon();
    expect(await status(id)).toMatchObject({ state: "CONTAINER_RUNNING" });
    const { info } = JSON.parse(await ok("inspect", "-o", "json", id)) as { info: { pid: number } };
    await killDaemon("SIGKILL");
    // It ends while nobody is there but the supervisor.
    writeFileSync(`/proc/${info.pid}/root/tmp/end`, "");
    await startDaemon();
    await until("the end is seen", async () => (await status(id))["state"] === "CONTAINER_EXITED");
    expect(await status(id)).toMatchObject({ exitCode: 9, reason: "Error" });
    const lines = (await ok("logs", id)).split("\n");
    expect(lines).toEqual(lines.map((_, index) => `line ${index}`));
    await ok("rmp", "-f", pod);
  });

  it("lets containers of a pod share processes where the pod says so", async () => {
    const file = podConfig("shared", { security_context: { namespace_options: { pid: 0 } } });
    const pod = await ok("runp", file);
    const options = { security_context: { namespace_options: { pid: 0 } } };
    const first = await startContainer(pod, file, { ...busybox("sleep", "777"), linux: options });
    const second = await startContainer(pod, file, { ...busybox("sleep", "888"), linux: options });
    const listed = await ok("exec", "-s", second, "ps");
    expect(listed).toMatch(/ 1 .*\/pause/);
    expect(listed).toContain("sleep 777");
    await ok("stop", "-t", "0", first);
    expect(await ok("exec", "-s", second, "ps")).not.toContain("sleep 777");
    await ok("rmp", "-f", pod);
  });

  it("gives a pod ids of its own: root inside is nobody on the host", async () => {
    const range = [{ container_id: 0, host_id: 700_000, length: 65_536 }];
    const userns = { namespace_options: { userns_options: { mode: 0, uids: range, gids: range } } };
    const file = podConfig("userns", {
      security_context: userns,
      sysctls: { "kernel.sem": "1 2 3 4" },
    });
    const pod = await ok("runp", file);
    const volume = mkdtempSync(join(root, "volume-"));
    const mapping = { uidMappings: range, gidMappings: range };
    const mounts = [{ container_path: "/data", host_path: volume, ...mapping }];
    const security_context = { ...userns, capabilities: { add_capabilities: ["SYS_ADMIN"] } };
    const linux = { security_context };
    const id = await startContainer(pod, file, { ...busybox("sleep", "1000"), mounts, linux });
    const { info } = JSON.parse(await ok("inspect", "-o", "json", id)) as { info: { pid: number } };
    expect(readFileSync(`/proc/${info.pid}/status`, "utf8")).toMatch(/Uid:\s+700000\s+700000/);
    const inside = async (command: string): Promise<string> =>
      await ok("exec", "-s", id, "sh", "-c", command);
    expect(await inside("cat /proc/self/uid_map /proc/self/gid_map")).toMatch(
      /^\s*0\s+700000\s+65536\n\s*0\s+700000\s+65536$/,
    );
    // The image's files, its root folder and what is made belong to the container's root.
    expect(await inside("stat -c %u:%g / /bin/busybox /dev")).toBe("0:0\n0:0\n0:0");
    await inside("echo made > /made && chown 1000:1000 /made && mkdir /data/folder");
    expect(await inside("stat -c %u:%g /made /data/folder")).toBe("1000:1000\n0:0");
    // On the volume they are as they would be without the namespace.
    expect(statSync(join(volume, "folder"))).toMatchObject({ uid: 0, gid: 0 });
    expect(await inside("cat /proc/sys/kernel/sem")).toMatch(/^1\s+2\s+3\s+4$/);
    // Its own mounts it may make; what was hidden it cannot uncover, nor reach the host's files.
    await inside("mkdir /t && mount -t tmpfs none /t && touch /t/x");
    expect(await inside("umount /proc/kcore 2>&1 || echo kept")).toContain("kept");
    expect(await inside("mknod /t/null c 1 3 2>&1 || echo refused")).toContain("refused");
    const tty = `${crictl} -r unix://${socket} exec -it ${id} sh -c 'stat -c %u $(tty)'`;
    expect((await run("script", ["-qec", tty, "/dev/null"])).stdout).toMatch(/^0\s*$/m);
    await ok("rmp", "-f", pod);
  });

  it("refuses what it cannot do, with the reason", async () => {
    const file = podConfig("refused");
    const pod = await ok("runp", file);
    const twice = await cri("runp", file);
    expect(twice.stderr).toContain("AlreadyExists");
    const unknown = config({ metadata: { name: "x" }, image: { image: "nowhere/none" } });
    const missing = await cri("create", pod, unknown, file);
    expect(missing.stderr).toContain("NotFound");
    const absent = config({ metadata: { name: "y" }, ...busybox("/no/such/program") });
    const id = await ok("create", pod, absent, file);
    const failed = await cri("start", id);
    expect(failed.stderr).toContain("execve /no/such/program: ENOENT");
    expect(await status(id)).toMatchObject({ exitCode: 128, reason: "StartError" });
    await ok("rmp", "-f", pod);
    await ok("stopp", pod).catch(() => {});
  });

  it("leaves nothing of a removed pod behind, and keeps one for the end", async () => {
    expect(mountsBelow(root)).toEqual([]);
    const file = podConfig("last");
    await startContainer(await ok("runp", file), file, busybox("sleep", "1000"));
  });
});
