import { readFileSync } from "node:fs";
import { openUnified } from "../linux/cgroup.ts";
import { joinFiles } from "../linux/cgroup-plan.ts";
import { SystemCallError } from "../linux/errno.ts";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly, openPidfd } from "../linux/process.ts";
import type { ExecRequest, ExecSession } from "./exec-contract.ts";
import { execProcess, planContainerExec } from "./exec-plan.ts";
import { runSession } from "./exec-session.ts";
import { pipeStdio, terminalStdio } from "./exec-stdio.ts";
import { factsFor, type Host } from "./host.ts";

const ESRCH = 3;
const defaultSize = { width: 80, height: 24 };

/**
 * Starts one more process in a running container, as a child of ours. Throws with the failing
 * step's name ("chdir /nope: ENOENT"), and ESRCH when the container has ended.
 */
export function execInContainer(kernel: Kernel, host: Host, request: ExecRequest): ExecSession {
  const { pid, spec, stdin } = request;
  // The tape enters the container's namespaces while it shares our memory: nobody may look in.
  kernel.call("prctl", [["PR_SET_DUMPABLE"], 0, 0, 0, 0], "PR_SET_DUMPABLE");
  const process = execProcess(spec, request.process);
  const { seccomp } = spec.linux ?? {};
  const cgroup = spec.linux?.cgroupsPath ?? cgroupOf(pid);
  const container = openPidfd(kernel, pid);
  if (container === undefined) throw new SystemCallError("pidfd_open", String(pid), ESRCH);
  const stdio =
    process.terminal === true
      ? terminalStdio(kernel, process.consoleSize ?? defaultSize, stdin)
      : pipeStdio(kernel, stdin);
  try {
    const steps = planContainerExec(
      {
        pidfd: container,
        spec,
        process,
        stdio: stdio.plan,
        host: factsFor(kernel, host, {}),
        cgroupJoin: joinFiles(host.cgroup, cgroup),
      },
      seccomp === undefined ? undefined : host.seccomp.program(seccomp, kernel.architecture),
    );
    const unified = openUnified(kernel, host.cgroup, cgroup);
    const born = unified === undefined ? {} : { cgroup: unified };
    const spawned = attempt(
      () => kernel.spawn({ namespaces: [], joinPid: container, ...born }, steps),
      () => unified !== undefined && closeQuietly(unified),
    );
    return runSession(kernel, spawned, stdio.take());
  } catch (error) {
    stdio.cancel();
    throw error;
  } finally {
    stdio.closeTheirs();
    closeQuietly(container);
  }
}

function attempt<T>(body: () => T, last: () => void): T {
  try {
    return body();
  } finally {
    last();
  }
}

/** The container was put into the same path of every hierarchy. */
function cgroupOf(pid: number): string {
  const [line = ""] = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  return line.split(":").slice(2).join(":");
}
