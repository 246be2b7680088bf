import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, networkInterfaces, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import type { MachineFacts } from "./preflight-plan.ts";

export interface FactsWanted {
  readonly nodeName: string;
  readonly isRoot: boolean;
  readonly ports: readonly number[];
  readonly programs: readonly string[];
  /** Folders of the search path. */
  readonly path: readonly string[];
  readonly dataFolder: string;
  /** Files, and folders that must be empty. */
  readonly mustBeAbsent: readonly string[];
}

const neededFilesystems = ["overlay", "tmpfs"];

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** Looks at the machine; changes nothing, but for a moment of listening on each port. */
export async function readMachineFacts(wanted: FactsWanted): Promise<MachineFacts> {
  const busy = await Promise.all(
    wanted.ports.map(async (port) => ((await isBusy(port)) ? [port] : [])),
  );
  const known = textOf("/proc/filesystems");
  return {
    isRoot: wanted.isRoot,
    nodeName: wanted.nodeName,
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    freeDiskBytes: freeBytes(wanted.dataFolder),
    swapBytes: swapBytes(),
    kernelRelease: release(),
    cgroupControllers: cgroupControllers(),
    missingFilesystems: neededFilesystems.filter((name) => !known.includes(`\t${name}\n`)),
    busyPorts: busy.flat(),
    leftovers: wanted.mustBeAbsent.filter(isThere),
    missingPrograms: wanted.programs.filter(
      (program) => !wanted.path.some((folder) => existsSync(join(folder, program))),
    ),
    addresses: Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .map(({ address }) => address),
  };
}

function isThere(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return existsSync(path);
  }
}

/** Of the nearest folder that exists. */
function freeBytes(folder: string): number {
  if (!existsSync(folder) && folder !== "/") return freeBytes(dirname(folder));
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function swapBytes(): number {
  const [, kilobytes = "0"] = /^SwapTotal:\s+(\d+) kB/m.exec(textOf("/proc/meminfo")) ?? [];
  return Number(kilobytes) * 1024;
}

/** /proc/cgroups lists all that the kernel has, whichever version they are mounted as. */
const cgroupControllers = (): readonly string[] =>
  textOf("/proc/cgroups")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t"))
    .filter(([, , , isEnabled]) => isEnabled === "1")
    .map(([name = ""]) => name);

const isBusy = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen({ port, host: "0.0.0.0" }, () => server.close(() => resolve(false)));
  });
