import type { Syscall } from "../linux/syscall.ts";

/**
 * The last calls of a tape that becomes such a program: out of memory, since the file systems that
 * hold our state may be mounted noexec.
 */
export const planStaticExec = (name: string, program: Uint8Array): readonly Syscall[] => [
  {
    call: "memfd_create",
    args: [name, ["MFD_CLOEXEC"]],
    because: "a file that no mount forbids to run",
    as: "program",
  },
  {
    call: "write",
    args: [{ result: "program" }, program, program.length],
    because: "the whole program",
  },
  {
    call: "rt_sigprocmask",
    args: [["SIG_SETMASK"], new Uint8Array(8), 0, 8],
    because: "unblocks what the parent blocked for the clone",
  },
  {
    call: "execveat",
    args: [{ result: "program" }, "", { words: [name, 0] }, { words: [0] }, ["AT_EMPTY_PATH"]],
    because: "ignores and waits",
  },
];
