import type { Process, Rlimit } from "../../api/oci/runtime.ts";
import { capabilityBit, capabilityMask, capabilityNames } from "../linux/capabilities.ts";
import type { Argument, Syscall } from "../linux/syscall.ts";
import type { HostFacts } from "./container-plan.ts";

/** RLIMIT_* numbers (asm-generic/resource.h). */
const rlimitNumbers: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** Beyond 2^63 the JSON number was rounded from RLIM_INFINITY. */
const rlimitValue = (value: number): bigint =>
  value < 0 || value >= 2 ** 63 ? 0xffff_ffff_ffff_ffffn : BigInt(value);

/** A limit that may not be raised stays as it is; the caller warns (no CAP_SYS_RESOURCE). */
export const planRlimits = (rlimits: readonly Rlimit[]): readonly Syscall[] =>
  rlimits.map(({ type, soft, hard }) => {
    const number = rlimitNumbers[type];
    if (number === undefined) throw new Error(`unknown resource limit ${type}`);
    return {
      call: "prlimit64",
      args: [0, number, { words: [rlimitValue(soft), rlimitValue(hard)] }, 0],
      because: `${type} ${soft} of ${hard}`,
      may: ["EPERM"],
    };
  });

export interface Identity {
  readonly process: Process;
  readonly host: HostFacts;
  /** The compiled filter; absent: unconfined. */
  readonly seccomp: CompiledSeccomp | undefined;
}

export interface CompiledSeccomp {
  /** struct sock_filter each: 8 bytes. */
  readonly program: Uint8Array;
  readonly flags: readonly (
    | "SECCOMP_FILTER_FLAG_TSYNC"
    | "SECCOMP_FILTER_FLAG_LOG"
    | "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
  )[];
}

/**
 * From root to who the process is to be. The order is the kernel's: bounds while we have
 * CAP_SETPCAP, groups before the user (only root may), capabilities after the user (the change
 * of user clears them), the filter last where no_new_privs allows it, else while privileged.
 */
export function planIdentity({ process, host, seccomp }: Identity): readonly Syscall[] {
  const { user = {} } = process;
  const noNewPrivileges = process.noNewPrivileges === true;
  const filter = seccomp === undefined ? [] : [loadFilter(seccomp)];
  const uid = user.uid ?? 0;
  const gid = user.gid ?? 0;
  return [
    { call: "umask", args: [user.umask ?? 0o022], because: "the process's own" },
    ...(noNewPrivileges ? [] : filter),
    ...planBounds(process, host),
    {
      call: "prctl",
      args: [["PR_SET_KEEPCAPS"], 1, 0, 0, 0],
      because: "until capset(2) says which",
    },
    {
      call: "setgroups",
      args: groupsOf(user.additionalGids ?? []),
      because: "before the uid: only root may call it",
    },
    { call: "setresgid", args: [gid, gid, gid], because: "before the uid: only root may" },
    { call: "setresuid", args: [uid, uid, uid], because: "the user asked for" },
    ...planCapabilities(process, host),
    ...(noNewPrivileges
      ? [
          {
            call: "prctl",
            args: [["PR_SET_NO_NEW_PRIVS"], 1, 0, 0, 0],
            because: "no program may give it more",
          } as const,
          ...filter,
        ]
      : []),
  ];
}

function groupsOf(gids: readonly number[]): readonly Argument[] {
  const list = new Uint32Array(gids);
  return [gids.length, new Uint8Array(list.buffer)];
}

function planBounds({ capabilities }: Process, host: HostFacts): readonly Syscall[] {
  if (capabilities === undefined) return [];
  const kept = new Set((capabilities.bounding ?? []).map(capabilityBit));
  return Array.from({ length: host.lastCapability + 1 }, (_, bit) => bit)
    .filter((bit) => !kept.has(bit))
    .map((bit) => ({
      call: "prctl",
      args: [["PR_CAPBSET_DROP"], bit, 0, 0, 0],
      because: `${capabilityNames[bit] ?? `capability ${bit}`} can never come back`,
    }));
}

/** Version 3 of the interface: two triples of effective, permitted, inheritable. */
function planCapabilities({ capabilities }: Process, host: HostFacts): readonly Syscall[] {
  if (capabilities === undefined) return [];
  const held = (names: readonly string[] | undefined): bigint =>
    capabilityMask(names ?? []) & host.capabilities;
  const effective = held(capabilities.effective);
  const permitted = held(capabilities.permitted);
  const inheritable = held(capabilities.inheritable);
  const data = new Uint32Array(6);
  [effective, permitted, inheritable].forEach((mask, index) => {
    data[index] = Number(mask & 0xffff_ffffn);
    data[index + 3] = Number(mask >> 32n);
  });
  const ambient = held(capabilities.ambient) & permitted & inheritable;
  return [
    {
      call: "capset",
      args: [new Uint8Array(new Uint32Array([0x2008_0522, 0]).buffer), new Uint8Array(data.buffer)],
      because: "these and no others",
    },
    ...capabilityNames.flatMap((name, bit): readonly Syscall[] =>
      (ambient & (1n << BigInt(bit))) === 0n
        ? []
        : [
            {
              call: "prctl",
              args: [["PR_CAP_AMBIENT"], ["PR_CAP_AMBIENT_RAISE"], bit, 0, 0],
              because: `${name} stays over execve for a plain user`,
            },
          ],
    ),
  ];
}

/** Which capabilities were asked for and cannot be given, since we do not hold them. */
export const missingCapabilities = ({ capabilities }: Process, host: HostFacts): string[] =>
  [...new Set([...(capabilities?.permitted ?? []), ...(capabilities?.effective ?? [])])].filter(
    (name) => (capabilityMask([name]) & host.capabilities) === 0n,
  );

const loadFilter = ({ program, flags }: CompiledSeccomp): Syscall => ({
  call: "seccomp",
  args: [["SECCOMP_SET_MODE_FILTER"], flags, { words: [program.length / 8, program] }],
  because: "from here on its calls are filtered",
});

/** The default action of signals that a parent may have ignored: execve(2) keeps ignoring them. */
export const planSignals = (): readonly Syscall[] =>
  [1, 2, 3, 13, 15, 25].map((signal) => ({
    call: "rt_sigaction",
    args: [signal, new Uint8Array(32), 0, 8],
    because: "execve(2) would keep ignoring what we ignore",
  }));

/** The last calls of every tape. */
export function planExec(process: Process): readonly Syscall[] {
  const { args = [], env = [] } = process;
  const [program] = args;
  if (program === undefined || program === "") throw new Error("process.args is empty");
  const argv = { words: [...args, 0] };
  const envp = { words: [...env, 0] };
  const candidates = candidatesOf(program, env);
  return [
    {
      call: "rt_sigprocmask",
      args: [["SIG_SETMASK"], new Uint8Array(8), 0, 8],
      because: "unblocks what the parent blocked for the clone",
    },
    ...candidates.map((path, index): Syscall => ({
      call: "execve",
      args: [path, argv, envp],
      because: "never returns when it succeeds",
      ...(index === candidates.length - 1 ? {} : { may: ["ENOENT", "ENOTDIR", "EACCES"] }),
    })),
  ];
}

/** As execvp(3) looks for it, in the container's own PATH and file system. */
function candidatesOf(program: string, env: readonly string[]): readonly string[] {
  if (program.includes("/")) return [program];
  const path = env.findLast((one) => one.startsWith("PATH="))?.slice("PATH=".length);
  const folders = (path ?? defaultPath).split(":").filter((folder) => folder.startsWith("/"));
  return folders.length === 0 ? [`/${program}`] : folders.map((folder) => `${folder}/${program}`);
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
