import type { Process, Spec } from "../../api/oci/runtime.ts";
import type { Syscall } from "../linux/syscall.ts";
import { hasNamespace, type HostFacts, type StdioPlan } from "./container-plan.ts";
import { joinCgroup, planOomScore } from "./plan.ts";
import {
  planExec,
  planIdentity,
  planRlimits,
  planSignals,
  type CompiledSeccomp,
} from "./process-plan.ts";
import { refuseUnsupportedProcess } from "./refuse-unsupported.ts";
import { closeAll, giveTerminal, planStdio, planTerminal } from "./stdio-plan.ts";
import { becomeItsRoot, hostOwner } from "./user-namespace-plan.ts";

export interface ExecPlan {
  /** Our descriptor of the container's first process. */
  readonly pidfd: number;
  /** Of the container. */
  readonly spec: Spec;
  readonly process: Process;
  readonly stdio: StdioPlan;
  readonly host: HostFacts;
  readonly cgroupJoin: readonly string[];
}

/** What the new process shares with the container's first one unless it says otherwise. */
export function execProcess(spec: Spec, process: Process): Process {
  const { capabilities, noNewPrivileges, rlimits, oomScoreAdj } = spec.process ?? {};
  return {
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(noNewPrivileges === undefined ? {} : { noNewPrivileges }),
    ...(rlimits === undefined ? {} : { rlimits }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...process,
  };
}

const namespaces = [
  "CLONE_NEWCGROUP",
  "CLONE_NEWIPC",
  "CLONE_NEWUTS",
  "CLONE_NEWNET",
  "CLONE_NEWNS",
] as const;

/** From clone(2) to execve(2) of one more process; it was born in the container's pid namespace. */
export function planContainerExec(
  { pidfd, spec, process, stdio, host, cgroupJoin }: ExecPlan,
  seccomp: CompiledSeccomp | undefined,
): readonly Syscall[] {
  refuseUnsupportedProcess(process);
  const hasUserNamespace = hasNamespace(spec, "user");
  return [
    ...planSignals(),
    ...joinCgroup(cgroupJoin),
    ...planOomScore(process.oomScoreAdj),
    { call: "setsid", args: [], because: "a session of its own" },
    ...planStdio(stdio, hostOwner(spec, process)),
    ...planRlimits(process.rlimits ?? []),
    {
      call: "setns",
      args: [pidfd, hasUserNamespace ? ["CLONE_NEWUSER", ...namespaces] : namespaces],
      because: "all namespaces of the container at once; its root becomes ours",
    },
    ...(hasUserNamespace ? becomeItsRoot : []),
    ...planTerminal(stdio),
    ...(stdio.as === "terminal" ? [giveTerminal(process.user?.uid ?? 0)] : []),
    closeAll,
    { call: "chdir", args: [process.cwd], because: "as root: the user may lack the way there" },
    ...planIdentity({ process, host, seccomp }),
    ...planExec(process),
  ];
}
