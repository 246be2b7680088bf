/**
 * A pod's namespaces, kept open by bind mounts of their files, so that no process has to live for
 * them. One short-lived child makes them, sets them up from inside, pins them and ends. Pure.
 */
import type { Syscall } from "../linux/syscall.ts";

export interface NamespacesPlan {
  readonly hostname: string;
  /** Files to pin to, which exist; absent: the host's namespace. */
  readonly pins: Readonly<Partial<Record<PinnedKind, string>>>;
  /** net.ipv4.tcp_syncookies and so on. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export type PinnedKind = "network" | "ipc" | "uts";

const encoder = new TextEncoder();
const files: Readonly<Record<PinnedKind, string>> = { network: "net", ipc: "ipc", uts: "uts" };

/** What unprivileged programs may do in a network of their own: ping, and listen below 1024. */
const networkDefaults: Readonly<Record<string, string>> = {
  "net.ipv4.ping_group_range": "0 2147483647",
  "net.ipv4.ip_unprivileged_port_start": "0",
};

export function planNamespaces({ hostname, pins, sysctls }: NamespacesPlan): readonly Syscall[] {
  const defaults = pins.network === undefined ? {} : networkDefaults;
  return [
    ...(pins.uts === undefined ? [] : [setHostname(hostname)]),
    ...(pins.network === undefined ? [] : loopbackUp),
    ...Object.entries({ ...defaults, ...sysctls }).flatMap(writeSysctl),
    ...(Object.entries(pins) as [PinnedKind, string][]).map(pin),
    { call: "exit_group", args: [0], because: "the mounts keep what it made" },
  ];
}

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

const pin = ([kind, file]: [PinnedKind, string]): Syscall => ({
  call: "mount",
  args: [`/proc/self/ns/${files[kind]}`, file, "", ["MS_BIND"], 0],
  because: `the ${kind} namespace lives as long as this mount`,
});
