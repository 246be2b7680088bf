import type { Syscall } from "../linux/syscall.ts";
import { openStep, type StdioPlan } from "./container-plan.ts";

/** The process's user, by the host's ids. */
export interface StdioOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Descriptors 0, 1 and 2, while the host's paths still exist. */
export function planStdio(stdio: StdioPlan, owner: StdioOwner): readonly Syscall[] {
  if (stdio.as === "terminal") return [];
  const { stdin, stdout, stderr, given = [] } = stdio;
  const opened = [stdin, stdout, stderr].flatMap((one, descriptor): readonly Syscall[] => {
    if (typeof one === "number") return [duplicate(one, descriptor)];
    const as = `stdio ${descriptor}`;
    const why = "of the container's first process";
    return [
      openStep(one.path, [one.access, "O_CLOEXEC", "O_NOCTTY"], as, why),
      duplicate({ result: as }, descriptor),
    ];
  });
  return [...opened, ...given.map((descriptor) => giveAway(descriptor, owner))];
}

const giveAway = (descriptor: number, { uid, gid }: StdioOwner): Syscall => ({
  call: "fchown",
  args: [descriptor, uid, gid],
  because: "its user may open /dev/stdout and the like again",
});

/** (gid_t)-1: stays as it is. */
const unchanged = 0xffff_ffff;

/** A terminal's group is that of its devpts. */
export const giveTerminal = (uid: number): Syscall => giveAway(0, { uid, gid: unchanged });

const names = ["standard input", "standard output", "standard error"];

/** dup3(2) refuses a descriptor onto itself, which only has to survive execve(2). */
const duplicate = (from: number | { readonly result: string }, to: number): Syscall =>
  from === to
    ? { call: "fcntl", args: [to, ["F_SETFD"], 0], because: `${names[to] ?? ""}, kept` }
    : { call: "dup3", args: [from, to, 0], because: names[to] ?? "" };

/** Nothing of ours may be open in the container: a folder of the host would be a way out. */
export const closeAll: Syscall = {
  call: "close_range",
  args: [3, 0xffff_ffff, 0],
  because: "no descriptor of the host may be named by a path of the container",
};

/** A terminal from the container's own devpts; its other side goes to the parent. */
export function planTerminal(stdio: StdioPlan): readonly Syscall[] {
  if (stdio.as !== "terminal") return [];
  const master = { result: "master" };
  const size = new Uint8Array(new Uint16Array([stdio.height, stdio.width, 0, 0]).buffer);
  return [
    {
      call: "openat",
      args: [
        ["AT_FDCWD"],
        "/dev/pts/ptmx",
        ["O_RDWR", "O_NOCTTY", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW"],
      ],
      because: "the terminal belongs to the container's devpts: it is found there by name",
      as: "master",
    },
    {
      call: "ioctl",
      args: [master, ["TIOCSPTLCK"], new Uint8Array(8)],
      because: "a new terminal is locked",
    },
    {
      call: "ioctl",
      args: [master, ["TIOCGPTPEER"], ["O_RDWR", "O_NOCTTY", "O_CLOEXEC"]],
      because: "the process's side, without a path that could be another's",
      as: "terminal",
    },
    { call: "ioctl", args: [master, ["TIOCSWINSZ"], size], because: "its first size" },
    ...sendDescriptor(stdio.socket),
    duplicate({ result: "terminal" }, 0),
    duplicate({ result: "terminal" }, 1),
    duplicate({ result: "terminal" }, 2),
    {
      call: "ioctl",
      args: [0, ["TIOCSCTTY"], 0],
      because: "the session's controlling terminal: signals from the keyboard reach it",
    },
  ];
}

/** sendmsg(2) with SCM_RIGHTS: the parent sees the master once we have exec'd. */
function sendDescriptor(socket: number): readonly Syscall[] {
  const payload = { words: [new Uint8Array([1]), 1] };
  // struct cmsghdr: length 20, SOL_SOCKET, SCM_RIGHTS, then the descriptor, patched in.
  const control = { words: [20, 0x1_0000_0001, { result: "master" }] };
  return [
    {
      call: "sendmsg",
      args: [socket, { words: [0, 0, payload, 1, control, 24, 0] }, 0],
      because: "the parent keeps the terminal's other side",
    },
  ];
}
