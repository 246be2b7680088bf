/**
 * pkg/oci is one container: from an OCI runtime spec to a process with its own namespaces, root,
 * cgroup and capabilities. This file decides the whole sequence between clone(2) and execve(2) as
 * data; a player performs it in a child that shares our memory. Nothing here touches a kernel, and
 * nothing of it stays on the host: the root is mounted in the container's own namespace.
 */
import type { Namespace, NamespaceType } from "../../api/oci/runtime.ts";
import type { Flag } from "../linux/constants.ts";
import type { Syscall } from "../linux/syscall.ts";
import { hasNamespace, makesNamespace, openStep, type ContainerPlan } from "./container-plan.ts";
import {
  planConsole,
  planDevices,
  planMasks,
  planMaskSource,
  planReadonlyPaths,
  planReadonlyRoot,
} from "./devices-plan.ts";
import { planBindSources, planMounts } from "./mounts-plan.ts";
import { planFolder } from "./places-plan.ts";
import {
  planExec,
  planIdentity,
  planRlimits,
  planSignals,
  type CompiledSeccomp,
} from "./process-plan.ts";
import { refuseUnsupported } from "./refuse-unsupported.ts";
import { planRoot } from "./rootfs-plan.ts";
import { closeAll, giveTerminal, planStdio, planTerminal } from "./stdio-plan.ts";
import {
  asContainerRoot,
  enterUserNamespace,
  hostOwner,
  openUserNamespace,
} from "./user-namespace-plan.ts";

/** From clone(2) to execve(2). The order is the design, so every call says why it stands there. */
export function planContainerStart(
  plan: ContainerPlan,
  seccomp: CompiledSeccomp | undefined,
): readonly Syscall[] {
  const { spec, host } = plan;
  const { process } = spec;
  refuseUnsupported(spec);
  if (process === undefined) throw new Error("process is missing");
  if (!hasNamespace(spec, "mount")) throw new Error("linux.namespaces lacks mount");
  const hasTerminal = plan.stdio.as === "terminal";
  const owner = hostOwner(spec, process);
  return [
    ...planSignals(),
    ...joinCgroup(plan.cgroupJoin),
    ...planOomScore(process.oomScoreAdj),
    ...joinNamespaces(spec.linux?.namespaces ?? []),
    ...newNamespaces(plan),
    ...planSysctls(spec.linux?.sysctl ?? {}),
    { call: "setsid", args: [], because: "a session of its own" },
    ...planStdio(plan.stdio, owner),
    { call: "umask", args: [0], because: "modes below are exact" },
    ...openUserNamespace(spec),
    ...planBindSources(plan),
    ...planMaskSource(plan),
    ...planRoot(plan),
    ...asContainerRoot(spec, planMounts(plan)),
    ...planDevices(plan),
    ...planHostname(plan),
    ...asContainerRoot(spec, hasTerminal ? [...planTerminal(plan.stdio), ...planConsole()] : []),
    ...(hasTerminal ? [giveTerminal(owner.uid)] : []),
    ...planReadonlyPaths(plan),
    ...planMasks(plan),
    ...planReadonlyRoot(plan),
    ...planRlimits(process.rlimits ?? []),
    ...enterUserNamespace(spec),
    closeAll,
    ...planFolder(process.cwd),
    { call: "chdir", args: [process.cwd], because: "as root: the user may lack the way there" },
    ...planIdentity({ process, host, seccomp }),
    ...planExec(process),
  ];
}

/** Before anything is spent: what follows counts for the container. */
export const joinCgroup = (files: readonly string[]): readonly Syscall[] =>
  files.flatMap((file): readonly Syscall[] => [
    openStep(file, ["O_WRONLY", "O_CLOEXEC"], file, "to enter the cgroup"),
    { call: "write", args: [{ result: file }, "0", 1], because: "0 is who writes" },
    { call: "close", args: [{ result: file }], because: "done with it" },
  ]);

/** Lowering needs CAP_SYS_RESOURCE; without it the score stays, and the caller warns. */
export const planOomScore = (score: number | undefined): readonly Syscall[] =>
  score === undefined
    ? []
    : [
        openStep(
          "/proc/self/oom_score_adj",
          ["O_WRONLY", "O_CLOEXEC"],
          "oom_score_adj",
          "the host's /proc: the image's could lie",
        ),
        {
          call: "write",
          args: [{ result: "oom_score_adj" }, String(score), String(score).length],
          because: `oom_score_adj ${score}`,
          may: ["EACCES", "EPERM"],
        },
      ];

const cloneFlag: Readonly<Record<NamespaceType, Flag>> = {
  mount: "CLONE_NEWNS",
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  uts: "CLONE_NEWUTS",
  ipc: "CLONE_NEWIPC",
  user: "CLONE_NEWUSER",
  cgroup: "CLONE_NEWCGROUP",
  time: "CLONE_NEWTIME",
};

/**
 * The pid namespace is joined by the parent before clone(2): it counts for children only. The user
 * namespace comes last.
 */
const joinNamespaces = (namespaces: readonly Namespace[]): readonly Syscall[] =>
  namespaces.flatMap(({ type, path }): readonly Syscall[] =>
    path === undefined || type === "pid" || type === "user"
      ? []
      : [
          openStep(path, ["O_RDONLY", "O_CLOEXEC"], `ns ${type}`, `the ${type} namespace to join`),
          {
            call: "setns",
            args: [{ result: `ns ${type}` }, [cloneFlag[type]]],
            because: "shared with its pod",
          },
        ],
  );

/** clone(2) made the others. */
const newNamespaces = ({ spec }: ContainerPlan): readonly Syscall[] => [
  ...(makesNamespace(spec, "cgroup")
    ? [
        {
          call: "unshare",
          args: [["CLONE_NEWCGROUP"]],
          because: "now: its root is the cgroup that the process is in",
        } as const,
      ]
    : []),
  ...(makesNamespace(spec, "network") ? loopbackUp : []),
];

/** struct ifreq: the name, then IFF_UP. */
const ifreqLoUp = (): Uint8Array => {
  const request = new Uint8Array(40);
  request.set([0x6c, 0x6f]);
  request[16] = 1;
  return request;
};
const loopbackUp: readonly Syscall[] = [
  {
    call: "socket",
    args: [["AF_INET"], ["SOCK_DGRAM", "SOCK_CLOEXEC"], 0],
    because: "a new network namespace's loopback is down",
    as: "loopback",
  },
  {
    call: "ioctl",
    args: [{ result: "loopback" }, ["SIOCSIFFLAGS"], ifreqLoUp()],
    because: "lo is up",
  },
];

/** By the host's /proc: what is written there is the writer's own namespace. */
const planSysctls = (sysctl: Readonly<Record<string, string>>): readonly Syscall[] =>
  Object.entries(sysctl).flatMap(([key, value]): readonly Syscall[] => [
    openStep(
      `/proc/sys/${sysctlPath(key)}`,
      ["O_WRONLY", "O_CLOEXEC"],
      `sysctl ${key}`,
      "the writer's own namespace is meant",
    ),
    {
      call: "write",
      args: [{ result: `sysctl ${key}` }, value, new TextEncoder().encode(value).length],
      because: `${key} = ${value}`,
    },
  ]);

/** Dots and slashes change places, as sysctl(8) has it; a name cannot climb. */
function sysctlPath(key: string): string {
  const isSlashed =
    key.includes("/") && (!key.includes(".") || key.indexOf("/") < key.indexOf("."));
  const path = isSlashed
    ? key
    : key.replaceAll(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  if (path.split("/").includes("..")) throw new Error(`linux.sysctl: bad name ${key}`);
  return path;
}

const planHostname = ({ spec }: ContainerPlan): readonly Syscall[] => {
  if (!hasNamespace(spec, "uts")) return [];
  const name = (call: "sethostname" | "setdomainname", value: string | undefined): Syscall[] =>
    value === undefined || value === ""
      ? []
      : [
          {
            call,
            args: [value, new TextEncoder().encode(value).length],
            because: "in its own uts namespace",
          },
        ];
  return [...name("sethostname", spec.hostname), ...name("setdomainname", spec.domainname)];
};
