/** System calls as data. A plan is a list of `Syscall`; nothing here performs one. */
import type { Flag } from "./constants.ts";
import type { SyscallName } from "./syscall-numbers.ts";

/**
 * One argument. Numbers are passed as they are; text and bytes as the address of a copy (text
 * with a final zero); names are or-ed flags; `words` is a struct or vector of 64-bit words.
 */
export type Argument =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Flag[]
  | { readonly words: readonly Argument[] }
  /** What an earlier call of the same tape returned under this name: a descriptor mostly. */
  | { readonly result: string }
  /** Room for the kernel's answer, zeroed or filled `from`; read with `Played.bytes(name)`. */
  | { readonly out: string; readonly bytes: number; readonly from?: Uint8Array }
  /** The address of such room, in this call or an earlier one of the same tape or spawn. */
  | { readonly seen: string };

/** A kernel call as data: decided by a plan, performed by the player. */
export interface Syscall {
  readonly call: SyscallName;
  readonly args: readonly Argument[];
  /** Why it stands where it stands. */
  readonly because: string;
  /** Names the result for later calls. */
  readonly as?: string;
  /** Errors after which the tape goes on; all others end it. */
  readonly may?: readonly string[] | "fail";
}

export const isNames = (argument: object): argument is readonly Flag[] => Array.isArray(argument);

/** One line of a golden file: mount("", "/", "", MS_REC|MS_SLAVE)  # because … */
export function formatSyscall({ call, args, because, as, may }: Syscall): string {
  const name = as === undefined ? "" : `${as} = `;
  const soft = may === undefined ? "" : may === "fail" ? " may fail" : ` may ${may.join("|")}`;
  return `${name}${call}(${args.map(formatArgument).join(", ")})${soft}  # ${because}`;
}

export function formatArgument(argument: Argument): string {
  if (typeof argument === "number" || typeof argument === "bigint") return String(argument);
  if (typeof argument === "string") return JSON.stringify(argument);
  if (argument instanceof Uint8Array) return `<${argument.length} bytes>`;
  if (isNames(argument)) return argument.length === 0 ? "0" : argument.join("|");
  if ("words" in argument) return `{${argument.words.map(formatArgument).join(", ")}}`;
  if ("seen" in argument) return `&${argument.seen}`;
  return "out" in argument ? `&${argument.out}[${argument.bytes}]` : argument.result;
}
