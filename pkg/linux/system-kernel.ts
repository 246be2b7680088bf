import ffi from "node:ffi";
import { arch } from "node:process";
import { signalNumbers, type Flag } from "./constants.ts";
import { errnoName, SystemCallError } from "./errno.ts";
import {
  stepError,
  type Failure,
  type Kernel,
  type Played,
  type Spawned,
  type SpawnOptions,
} from "./kernel.ts";
import { memoryOver, type Memory } from "./memory.ts";
import { playerCode, word } from "./player.ts";
import { openReadiness } from "./readiness.ts";
import type { Architecture } from "./syscall-numbers.ts";
import type { Syscall } from "./syscall.ts";
import { Encoder, type Tape } from "./tape.ts";

/** Room for a tape with its arguments: ARG_MAX (2 MiB) of the kernel and half as much again. */
const memoryBytes = 3 * 1024 * 1024;
const pageBytes = 4096;
const namespaceFlag = {
  pid: "CLONE_NEWPID",
  mount: "CLONE_NEWNS",
  uts: "CLONE_NEWUTS",
  ipc: "CLONE_NEWIPC",
  network: "CLONE_NEWNET",
  // Its first process has no ids until the caller writes the maps: after its execve(2).
  user: "CLONE_NEWUSER",
} as const;

let opened: Kernel | undefined;

/** The real kernel; one per process, since its memory and its event loop are the process's. */
export function systemKernel(): Kernel {
  opened ??= new SystemKernel();
  return opened;
}

/** libc's functions that we need beside system calls: memory for code, and a way to call it. */
const openLibc = () =>
  ffi.dlopen(null, {
    mmap: {
      arguments: ["uint64", "uint64", "int32", "int32", "int32", "int64"],
      return: "uint64",
    },
    mprotect: { arguments: ["uint64", "uint64", "int32"], return: "int32" },
    // Calls its last argument once with (key, base) when told of one element: our way into the
    // player, since FFI calls symbols only. Results stay raw, errno is never consulted.
    bsearch: {
      arguments: ["uint64", "uint64", "uint64", "uint64", "uint64"],
      return: "uint64",
    },
  }).functions;

class SystemKernel implements Kernel {
  readonly architecture: Architecture = arch === "arm64" ? "arm64" : "x64";
  readonly #libc = openLibc();
  readonly #memory: Memory;
  readonly #player: bigint;
  readonly #readiness = openReadiness();
  #ownPidNamespace: number | undefined;

  constructor() {
    if (arch !== "x64" && arch !== "arm64") throw new Error(`no tape player for ${arch}`);
    const pages = (bytes: number): bigint => {
      // PROT_READ|WRITE, MAP_PRIVATE|ANONYMOUS
      const address = this.#libc.mmap(0n, BigInt(bytes), 3, 0x22, -1, 0n);
      if (address === 2n ** 64n - 1n) throw new Error("mmap failed: no memory for tapes");
      return address;
    };
    const code = playerCode(this.architecture);
    this.#player = pages(pageBytes);
    ffi.exportBuffer(code, this.#player, code.length);
    // PROT_READ|EXEC: never writable and executable at once. The kernel makes the instruction
    // cache coherent when the page first becomes executable.
    if (this.#libc.mprotect(this.#player, BigInt(pageBytes), 5) !== 0) {
      throw new Error("mprotect failed: this system forbids machine code made at run time");
    }
    const memory = pages(memoryBytes);
    this.#memory = memoryOver(ffi.toArrayBuffer(memory, memoryBytes, false), Number(memory));
  }

  call(name: Syscall["call"], args: Syscall["args"], what = ""): number {
    const result = this.#run([{ call: name, args, because: "", as: "it", may: "fail" }]).result(
      "it",
    );
    if (result < 0) throw new SystemCallError(name, what, -result);
    return result;
  }

  play(steps: readonly Syscall[]): Played {
    return this.#run(steps);
  }

  #run(steps: readonly Syscall[]): Played {
    this.#memory.reset();
    const tape = new Encoder(this.#memory, this.architecture).encode(steps);
    this.#play(tape);
    return this.#outcome(tape, steps);
  }

  spawn(options: SpawnOptions, steps: readonly Syscall[]): Spawned {
    if (options.joinPid !== undefined) this.#ownPidNamespace ??= this.#openOwnPidNamespace();
    this.#memory.reset();
    const encoder = new Encoder(this.#memory, this.architecture);
    const childTape = encoder.encode(steps);
    const [before, clone, after] = [enter(options), [cloneStep(options)], this.#leave(options)];
    const beforeTape = encoder.encode(before);
    const cloneTape = encoder.encode(clone, { of: "pid", tape: childTape });
    const afterTape = encoder.encode(after);
    this.#play(beforeTape);
    const refused = firstError(this.#memory, beforeTape, before);
    if (refused === undefined) this.#play(cloneTape);
    this.#play(afterTape);
    if (refused !== undefined) throw refused;
    const parent = this.#outcome(cloneTape, clone);
    const pid = parent.result("pid");
    const pidfd = parent.bytes("pidfd").readInt32LE();
    return { ...this.#outcomeOfChild(childTape, steps, pidfd), pid, pidfd };
  }

  onReadable(fd: number, callback: () => void): Disposable {
    return this.#readiness.watch(fd, "readable", callback);
  }

  onWritable(fd: number, callback: () => void): Disposable {
    return this.#readiness.watch(fd, "writable", callback);
  }

  #play(tape: Tape): void {
    const address = BigInt(tape.address);
    this.#libc.bsearch(address, address, 1n, 8n, this.#player);
  }

  #leave({ joinPid }: SpawnOptions): readonly Syscall[] {
    const own: Syscall = {
      call: "setns",
      args: [this.#ownPidNamespace ?? -1, ["CLONE_NEWPID"]],
      because: "later children of this thread belong to our own namespace",
    };
    return [...(joinPid === undefined ? [] : [own]), restoreSignals];
  }

  #openOwnPidNamespace(): number {
    const path = "/proc/self/ns/pid";
    const args = [["AT_FDCWD"], path, ["O_RDONLY", "O_CLOEXEC"]] as const;
    this.#memory.reset();
    const step: Syscall = { call: "openat", args, because: "to come back to it", as: "fd" };
    const tape = new Encoder(this.#memory, this.architecture).encode([step]);
    this.#play(tape);
    return this.#outcome(tape, [step]).result("fd");
  }

  /** Everything is copied out: the memory is reused by the next call. */
  #outcome(tape: Tape, steps: readonly Syscall[]): Played {
    const error = firstError(this.#memory, tape, steps);
    if (error !== undefined) throw error;
    return readOutcome(this.#memory, tape, steps);
  }

  #outcomeOfChild(tape: Tape, steps: readonly Syscall[], pidfd: number): Played {
    const error = firstError(this.#memory, tape, steps);
    if (error === undefined) return readOutcome(this.#memory, tape, steps);
    this.#run([
      { call: "waitid", args: [["P_PIDFD"], pidfd, 0, ["WEXITED"], 0], because: "it has exited" },
      { call: "close", args: [pidfd], because: "nobody will ask for it" },
    ]);
    throw error;
  }
}

const everySignal = Buffer.alloc(8, 0xff);

/** A handler of ours must never run in the child, whose memory is ours. */
const blockSignals: Syscall = {
  call: "rt_sigprocmask",
  args: [["SIG_SETMASK"], everySignal, { out: "mask", bytes: 8 }, 8],
  because: "no handler of ours may run in the child",
  as: "blocked",
};
const restoreSignals: Syscall = {
  call: "rt_sigprocmask",
  args: [["SIG_SETMASK"], { seen: "mask" }, 0, 8],
  because: "as it was",
};

function enter({ joinPid }: SpawnOptions): readonly Syscall[] {
  const join: Syscall = {
    call: "setns",
    args: [joinPid ?? -1, ["CLONE_NEWPID"]],
    because: "children of this thread are born there; the thread itself does not move",
  };
  return joinPid === undefined ? [blockSignals] : [blockSignals, join];
}

function cloneStep({ namespaces, cgroup }: SpawnOptions): Syscall {
  const flags: readonly Flag[] = [
    "CLONE_VM",
    "CLONE_VFORK",
    "CLONE_PIDFD",
    ...namespaces.map((namespace) => namespaceFlag[namespace]),
    ...(cgroup === undefined ? [] : (["CLONE_INTO_CGROUP"] as const)),
  ];
  const pidfd = { out: "pidfd", bytes: 8 };
  // struct clone_args: no stack, because the player uses none.
  const words = [flags, pidfd, 0, 0, signalNumbers.SIGCHLD, 0, 0, 0, 0, 0, cgroup ?? 0];
  return {
    call: "clone3",
    args: [{ words }, words.length * 8],
    because: "the child plays its tape in our memory while this thread stands still",
    as: "pid",
  };
}

function firstError(
  memory: Memory,
  { entries }: Tape,
  steps: readonly Syscall[],
): SystemCallError | undefined {
  for (const [index, step] of steps.entries()) {
    const result = memory.get((entries[index] ?? 0) + word.result * 8);
    if (result < 0 && !isTolerated(step, -result)) return stepError(step, -result);
  }
  return undefined;
}

const isTolerated = ({ may }: Syscall, errno: number): boolean =>
  may === "fail" || (may?.includes(errnoName(errno)) ?? false);

function readOutcome(memory: Memory, tape: Tape, steps: readonly Syscall[]): Played {
  const results = new Map<string, number>();
  const failures: Failure[] = [];
  for (const [index, step] of steps.entries()) {
    const result = memory.get((tape.entries[index] ?? 0) + word.result * 8);
    if (step.as !== undefined) results.set(step.as, result);
    if (result < 0) failures.push({ step, errno: -result });
  }
  const outs = new Map(
    [...tape.outs].map(([name, { at, bytes }]) => [name, memory.copy(at, bytes)]),
  );
  return { result: (as) => known(results, as), bytes: (out) => known(outs, out), failures };
}

function known<T>(values: ReadonlyMap<string, T>, name: string): T {
  const value = values.get(name);
  if (value === undefined) throw new Error(`tape: nothing is named ${name}`);
  return value;
}
