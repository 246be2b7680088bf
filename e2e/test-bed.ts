/**
 * A place for a whole cluster on this machine: a network namespace of its own, with one link that
 * leads nowhere, in which programs are run as a person would run them. Nothing of the host's
 * network is touched, and what is left behind can be told.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Why tests of the real thing cannot run here; undefined: they can. Printed by those that skip. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "containers need root";
  for (const folder of ["/etc/tskube", "/run/tskube"]) {
    if (existsSync(folder)) return `a cluster is on this machine (${folder}); hack/down removes it`;
  }
  return undefined;
}

export class TestBed implements Disposable {
  readonly #name: string;
  readonly #started: ChildProcess[] = [];

  constructor(name: string) {
    this.#name = name;
    this.#remove();
    execFileSync("ip", ["netns", "add", name]);
    for (const line of ["lo up", "add outer type bridge", "outer up"]) this.#link(line);
    this.run("ip", ["address", "add", "172.31.255.1/24", "dev", "outer"]);
    this.run("ip", ["route", "add", "default", "via", "172.31.255.2"]);
  }

  #link(line: string): void {
    const words = line.split(" ");
    this.run("ip", ["link", ...(words[0] === "add" ? words : ["set", ...words])]);
  }

  #command(program: string, args: readonly string[]): readonly [string, readonly string[]] {
    return ["nsenter", [`--net=/run/netns/${this.#name}`, program, ...args]];
  }

  /** Runs to the end, whatever its exit code. Throws after the timeout (30 s). */
  try(program: string, args: readonly string[] = [], options: RunOptions = {}): Outcome {
    const [enter, words] = this.#command(program, args);
    const { status, stdout, stderr, error } = spawnSync(enter, words, {
      encoding: "utf8",
      cwd: "/",
      timeout: options.timeoutMs ?? 30_000,
      input: options.input ?? "",
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...options.env },
    });
    if (error !== undefined) {
      const seen = `${stdout}${stderr}`.slice(-2_000);
      throw new Error(`${program} ${args.join(" ")}: ${error.message}\n${seen}`, { cause: error });
    }
    return { code: status ?? -1, out: stdout, err: stderr };
  }

  /** Runs to a good end; throws with its output otherwise. Returns what it printed. */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): string {
    const { code, out, err } = this.try(program, args, options);
    if (code !== 0)
      throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${out}${err}`);
    return out;
  }

  /** Starts and goes on; ended with the bed. */
  start(program: string, args: readonly string[], log: number): ChildProcess {
    const [enter, words] = this.#command(program, args);
    const child = spawn(enter, words, { cwd: "/", stdio: ["ignore", log, log] });
    this.#started.push(child);
    return child;
  }

  #remove(): void {
    spawnSync("ip", ["netns", "delete", this.#name], { stdio: "ignore" });
  }

  [Symbol.dispose](): void {
    for (const child of this.#started) child.kill("SIGKILL");
    this.#remove();
  }
}

/** What a cluster could have left on this machine, as lines: the same before and after. */
export function traces(): readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes("tskube") && !line.includes(" /run/netns/"));
  const cgroups = readdirSync("/sys/fs/cgroup").filter((name) =>
    existsSync(join("/sys/fs/cgroup", name, "tskube")),
  );
  const folders = [
    "/etc/tskube",
    "/var/lib/tskube",
    "/run/tskube",
    "/usr/local/lib/tskube",
    "/var/log/tskube",
  ];
  return [
    ...mounts.map((line) => `mount ${line}`),
    ...cgroups.map((name) => `cgroup ${name}/tskube`),
    ...folders.filter((folder) => existsSync(folder)).map((folder) => `folder ${folder}`),
    ...processes().map((words) => `process ${words}`),
  ];
}

const processes = (): readonly string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim()];
      } catch {
        return [];
      }
    })
    .filter((words) => words.includes("/usr/local/lib/tskube/"));

/**
 * An upstream program, by the environment (KUBECTL, CRICTL), by the folder beside the project that
 * builds them, or by PATH. Undefined where there is none.
 */
export function upstreamProgram(name: string): string | undefined {
  const [named] = (process.env[name.toUpperCase()] ?? "").split(":");
  if (named !== undefined && named !== "" && existsSync(named)) return named;
  const builder = join(root, "../shared/upstream/get");
  if (existsSync(builder)) {
    const { status, stdout } = spawnSync(builder, [name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (status === 0) return stdout.trim();
  }
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Asks again until the answer pleases; throws with the last answer when it never does. */
export async function eventually<T>(
  what: string,
  ask: () => T,
  pleases: (answer: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const answer = ask();
    if (pleases(answer)) return answer;
    if (performance.now() > until) {
      throw new Error(`${what}: not within ${withinMs} ms; last: ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
