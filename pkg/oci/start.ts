import type { Spec } from "../../api/oci/runtime.ts";
import { createCgroup, openUnified, removeCgroup } from "../linux/cgroup.ts";
import { joinFiles } from "../linux/cgroup-plan.ts";
import type { Kernel, SpawnOptions } from "../linux/kernel.ts";
import { closeQuietly } from "../linux/process.ts";
import { type ContainerPlan, makesNamespace, type StdioPlan } from "./container-plan.ts";
import { deviceRules } from "./device-rules-plan.ts";
import { factsFor, type Host } from "./host.ts";
import { planContainerStart } from "./plan.ts";
import { missingCapabilities } from "./process-plan.ts";

export interface StartRequest {
  readonly id: string;
  readonly spec: Spec;
  readonly overlay?: ContainerPlan["overlay"];
  readonly stdio: StdioPlan;
}

export interface Started {
  readonly pid: number;
  /** Readable when the process has ended; the caller closes it. */
  readonly pidfd: number;
  /** What was asked for and could not be given, without harm: for the log. */
  readonly warnings: readonly string[];
}

/**
 * Makes the cgroup and starts the container's first process. Throws with the failing step's name
 * ("pivot_root .: EINVAL") and leaves nothing behind.
 */
export function startContainer(kernel: Kernel, host: Host, request: StartRequest): Started {
  const { id, spec, overlay, stdio } = request;
  const cgroup = cgroupPath(spec, id);
  const facts = factsFor(kernel, host, spec);
  const plan: ContainerPlan = {
    spec,
    ...(overlay === undefined ? {} : { overlay }),
    stdio,
    host: facts,
    cgroupJoin: joinFiles(host.cgroup, cgroup),
  };
  const { seccomp } = spec.linux ?? {};
  const steps = planContainerStart(
    plan,
    seccomp === undefined ? undefined : host.seccomp.program(seccomp, kernel.architecture),
  );
  const resources = spec.linux?.resources ?? {};
  try {
    createCgroup(kernel, host.cgroup, cgroup, { ...resources, deviceRules: deviceRules(spec) });
    const { pid, pidfd, failures } = withSpawnOptions(kernel, host, spec, cgroup, (options) =>
      kernel.spawn(options, steps),
    );
    const refused = failures
      .filter(({ step: { call } }) => call === "prlimit64" || call === "write")
      .map(({ step: { because } }) => `not permitted: ${because}`);
    const missing = spec.process === undefined ? [] : missingCapabilities(spec.process, facts);
    return { pid, pidfd, warnings: [...refused, ...missing.map((name) => `lacking: ${name}`)] };
  } catch (error) {
    removeQuietly(kernel, host, cgroup);
    throw error;
  }
}

/** Absolute as the specification has it; relative ones live below /tskube. */
export function cgroupPath(spec: Spec, id: string): string {
  const path = spec.linux?.cgroupsPath ?? "";
  if (path === "") return `/tskube/${id}`;
  return path.startsWith("/") ? path : `/tskube/${path}`;
}

/** A failed start may leave a process that is just ending in it; the next start tidies up. */
function removeQuietly(kernel: Kernel, host: Host, cgroup: string): void {
  try {
    removeCgroup(kernel, host.cgroup, cgroup);
  } catch {
    // The error that matters is already on its way.
  }
}

const clonable = ["pid", "mount", "uts", "ipc", "network"] as const;

/** With the descriptors that clone(2) wants, closed afterwards. */
function withSpawnOptions<T>(
  kernel: Kernel,
  { cgroup }: Host,
  spec: Spec,
  path: string,
  spawn: (options: SpawnOptions) => T,
): T {
  const namespaces = clonable.filter((type) => makesNamespace(spec, type));
  const joined = spec.linux?.namespaces?.find(({ type }) => type === "pid")?.path;
  const args = [["AT_FDCWD"], joined ?? "", ["O_RDONLY", "O_CLOEXEC"]] as const;
  const joinPid = joined === undefined ? undefined : kernel.call("openat", args, joined);
  try {
    const unified = openUnified(kernel, cgroup, path);
    try {
      return spawn({
        namespaces,
        ...(joinPid === undefined ? {} : { joinPid }),
        ...(unified === undefined ? {} : { cgroup: unified }),
      });
    } finally {
      if (unified !== undefined) closeQuietly(unified);
    }
  } finally {
    if (joinPid !== undefined) closeQuietly(joinPid);
  }
}
