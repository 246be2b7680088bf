/**
 * A pod's namespaces, kept open by bind mounts of their files, so that no process has to live for
 * them. One short-lived child makes them, sets them up from inside, pins them and ends. Of a pod in
 * a user namespace they are that namespace's: a helper is born in all of them, its ids are mapped
 * and the namespaces pinned from outside, and another child sets them up as the pod's root. Pure.
 */
import { planStaticExec } from "../oci/static-exec-plan.ts";
import type { Syscall } from "../linux/syscall.ts";

export interface NamespacesPlan {
  readonly hostname: string;
  /** Files to pin to, which exist; absent: the host's namespace. */
  readonly pins: Readonly<Partial<Record<PinnedKind, string>>>;
  /** net.ipv4.tcp_syncookies and so on. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export type PinnedKind = "network" | "ipc" | "uts" | "user";

const encoder = new TextEncoder();
const files: Readonly<Record<PinnedKind, string>> = {
  network: "net",
  ipc: "ipc",
  uts: "uts",
  user: "user",
};

/** What unprivileged programs may do in a network of their own: ping, and listen below 1024. */
const networkDefaults = (groupMax: number): Readonly<Record<string, string>> => ({
  "net.ipv4.ping_group_range": `0 ${groupMax}`,
  "net.ipv4.ip_unprivileged_port_start": "0",
});
const everyGroupMax = 2 ** 31 - 1;

export const planNamespaces = (plan: NamespacesPlan): readonly Syscall[] => [
  ...planSetup(plan, everyGroupMax),
  ...pinsOf(plan.pins).map((one) => pin("/proc/self/ns", one)),
  { call: "exit_group", args: [0], because: "the mounts keep what it made" },
];

const pinsOf = (pins: NamespacesPlan["pins"]) => Object.entries(pins) as [PinnedKind, string][];

function planSetup(
  { hostname, pins, sysctls }: NamespacesPlan,
  groupMax: number,
): readonly Syscall[] {
  const defaults = pins.network === undefined ? {} : networkDefaults(groupMax);
  return [
    ...(pins.uts === undefined ? [] : [setHostname(hostname)]),
    ...(pins.network === undefined ? [] : loopbackUp),
    ...Object.entries({ ...defaults, ...sysctls }).flatMap(writeSysctl),
  ];
}

/** Waits in its new namespaces until they are pinned, and never outlives who does that. */
export const planHelper = (program: Uint8Array): readonly Syscall[] => [
  {
    call: "prctl",
    args: [["PR_SET_PDEATHSIG"], 9, 0, 0, 0],
    because: "nobody would ever find it",
  },
  { call: "setsid", args: [], because: "no terminal's signals reach it" },
  { call: "close_range", args: [0, 0xffff_ffff, 0], because: "it needs nothing of ours" },
  ...planStaticExec("tskube-namespaces", program),
];

/** From outside: the pod's root may not mount on the host. */
export const planPins = (pid: number, pins: NamespacesPlan["pins"]): readonly Syscall[] =>
  pinsOf(pins).map((one) => pin(`/proc/${pid}/ns`, one));

/** As root of the pod's user namespace: what it owns, it may set. `ids`: of its groups. */
export const planOwnedSetup = (plan: NamespacesPlan, ids: number): readonly Syscall[] => [
  ...pinsOf(plan.pins)
    .toSorted(([a], [b]) => Number(a === "user") - Number(b === "user"))
    .flatMap(joinPinned),
  { call: "setresgid", args: [0, 0, 0], because: "files of /proc/sys are its root's" },
  { call: "setresuid", args: [0, 0, 0], because: "files of /proc/sys are its root's" },
  ...planSetup(plan, ids - 1),
  { call: "exit_group", args: [0], because: "the mounts keep what it made" },
];

const joinPinned = ([kind, file]: [PinnedKind, string]): readonly Syscall[] => [
  {
    call: "openat",
    args: [["AT_FDCWD"], file, ["O_RDONLY", "O_CLOEXEC"]],
    because: `the pod's ${kind} namespace`,
    as: kind,
  },
  {
    call: "setns",
    args: [{ result: kind }, 0],
    because: kind === "user" ? "last: it ends all power over the others" : "to set it up",
  },
];

const setHostname = (hostname: string): Syscall => ({
  call: "sethostname",
  args: [hostname, encoder.encode(hostname).length],
  because: "the pod's name, before any container sees it",
});

/** struct ifreq: sixteen bytes of name, then the flags IFF_UP and IFF_RUNNING. */
function loopbackRequest(): Uint8Array {
  const request = new Uint8Array(40);
  request.set(encoder.encode("lo"));
  request[16] = 0x41;
  return request;
}

const loopbackUp: readonly Syscall[] = [
  {
    call: "socket",
    args: [["AF_INET"], ["SOCK_DGRAM", "SOCK_CLOEXEC"], 0],
    because: "interfaces are set through any socket of the namespace",
    as: "socket",
  },
  {
    call: "ioctl",
    args: [{ result: "socket" }, ["SIOCSIFFLAGS"], loopbackRequest()],
    because: "containers of a pod meet on 127.0.0.1",
  },
];

function writeSysctl([name, value]: [string, string]): readonly Syscall[] {
  const path = sysctlPath(name);
  const fd = `sysctl ${name}`;
  const bytes = encoder.encode(value);
  return [
    {
      call: "openat",
      args: [["AT_FDCWD"], path, ["O_WRONLY", "O_CLOEXEC"]],
      because: "a namespace's settings are those of who opens the file",
      as: fd,
    },
    {
      call: "write",
      args: [{ result: fd }, bytes, bytes.length],
      because: `${name} of the pod`,
    },
  ];
}

/** Dots separate, unless slashes do (names of interfaces hold dots). */
export const sysctlPath = (name: string): string =>
  `/proc/sys/${name.includes("/") ? name : name.replaceAll(".", "/")}`;

/** What a pod may set without touching the host: settings that belong to a namespace of its own. */
export function isPodSysctl(name: string, pins: NamespacesPlan["pins"]): boolean {
  const plain = name.replaceAll("/", ".");
  const isIpc = /^(?:kernel\.(?:shm.*|msg.*|sem)|fs\.mqueue\..*)$/.test(plain);
  if (/(?:^|\.)\.\.(?:\.|$)/.test(plain)) return false;
  if (plain.startsWith("net.")) return pins.network !== undefined;
  return isIpc && pins.ipc !== undefined;
}

const pin = (folder: string, [kind, file]: [PinnedKind, string]): Syscall => ({
  call: "mount",
  args: [`${folder}/${files[kind]}`, file, "", ["MS_BIND"], 0],
  because: `the ${kind} namespace lives as long as this mount`,
});
