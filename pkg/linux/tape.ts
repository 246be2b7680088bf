/** Lays system calls out in memory for the player. */
import { architectureFlags, flag, type Flag } from "./constants.ts";
import { errnoNumber } from "./errno.ts";
import type { Memory } from "./memory.ts";
import { entryWords, word } from "./player.ts";
import { isNames, type Argument, type Syscall } from "./syscall.ts";
import { syscallNumber, type Architecture } from "./syscall-numbers.ts";

/** An encoded tape: where it begins, and where to find what came out of it. */
export interface Tape {
  readonly address: number;
  readonly entries: readonly number[];
  readonly outs: ReadonlyMap<string, { readonly at: number; readonly bytes: number }>;
}

type Room = Extract<Argument, { readonly out: string }>;

/** Lays out `steps` in `memory`. `child` starts the process that the step named in it makes. */
export class Encoder {
  readonly #memory: Memory;
  readonly #architecture: Architecture;
  readonly #flags: Readonly<Record<string, number>>;
  readonly #outs = new Map<string, { at: number; bytes: number }>();
  readonly #uses = new Map<string, number[]>();

  constructor(memory: Memory, architecture: Architecture) {
    this.#memory = memory;
    this.#architecture = architecture;
    this.#flags = architectureFlags[architecture];
  }

  encode(steps: readonly Syscall[], child?: { readonly of: string; readonly tape: Tape }): Tape {
    const memory = this.#memory;
    const start = memory.take((steps.length * entryWords + 1) * 8);
    const entries = steps.map((step, index) => {
      const at = start + index * entryWords * 8;
      this.#entry(at, step);
      if (child !== undefined && child.of === step.as) {
        memory.put(at + word.child * 8, child.tape.address);
      }
      return at;
    });
    memory.put(start + steps.length * entryWords * 8, -1);
    steps.forEach(({ as }, index) => this.#copies(as, entries[index]));
    const [unknown] = this.#uses.keys();
    if (unknown !== undefined) throw new Error(`tape: no call is named ${unknown}`);
    return { address: memory.address + start, entries, outs: new Map(this.#outs) };
  }

  #entry(at: number, { call, args, may }: Syscall): void {
    const number = syscallNumber(call, this.#architecture);
    if (number === undefined) throw new Error(`tape: ${this.#architecture} has no ${call}`);
    this.#memory.put(at, number);
    args.forEach((argument, index) => this.#argument(at + (word.args + index) * 8, argument));
    if (may !== undefined) this.#tolerate(at + word.may * 8, may);
  }

  /** One errno a byte, and a zero that ends them: at most seven. */
  #tolerate(at: number, may: readonly string[] | "fail"): void {
    if (may === "fail") return this.#memory.putHalves(at, 0xff, 0);
    if (may.length > 7) throw new Error("tape: a call may fail with seven errnos at most");
    let [low, high] = [0, 0];
    for (const [index, name] of may.entries()) {
      if (index < 4) low |= errnoNumber(name) << (8 * index);
      else high |= errnoNumber(name) << (8 * (index - 4));
    }
    this.#memory.putHalves(at, low, high);
  }

  #argument(at: number, argument: Argument): void {
    const memory = this.#memory;
    if (typeof argument === "number" || typeof argument === "bigint") memory.put(at, argument);
    else if (typeof argument === "string") memory.put(at, memory.text(argument));
    else if (argument instanceof Uint8Array) memory.put(at, memory.bytes(argument));
    else if (isNames(argument)) memory.put(at, this.#or(argument));
    else if ("words" in argument) memory.put(at, this.#words(argument.words));
    else if ("out" in argument) memory.put(at, this.#room(argument));
    else if ("seen" in argument) memory.put(at, this.#roomOf(argument.seen));
    else this.#uses.set(argument.result, [...(this.#uses.get(argument.result) ?? []), at]);
  }

  #words(words: readonly Argument[]): number {
    const at = this.#memory.take(words.length * 8);
    words.forEach((value, index) => this.#argument(at + index * 8, value));
    return this.#memory.address + at;
  }

  #room({ out, bytes, from }: Room): number {
    const at = this.#memory.take(bytes);
    if (from !== undefined) this.#memory.fill(at, from);
    this.#outs.set(out, { at, bytes });
    return this.#memory.address + at;
  }

  #roomOf(name: string): number {
    const room = this.#outs.get(name);
    if (room === undefined) throw new Error(`tape: no room is named ${name}`);
    return this.#memory.address + room.at;
  }

  #or(names: readonly Flag[]): number {
    let value = 0;
    // Not "|": some flags lie above bit 31, and each name is given once.
    for (const name of names) value += flagValue(name, this.#flags);
    return value;
  }

  /** Tells the player where else to write this call's result. */
  #copies(as: string | undefined, entry: number | undefined): void {
    const uses = as === undefined ? undefined : this.#uses.get(as);
    if (as === undefined || uses === undefined || entry === undefined) return;
    const list = this.#memory.take((uses.length + 1) * 8);
    uses.forEach((use, index) => this.#memory.put(list + index * 8, this.#memory.address + use));
    this.#memory.put(entry + word.copies * 8, this.#memory.address + list);
    this.#uses.delete(as);
  }
}

const flagValue = (name: Flag, own: Readonly<Record<string, number>>): number => {
  const value = own[name] ?? (flag as Readonly<Record<string, number>>)[name];
  if (value === undefined) throw new Error(`tape: no flag ${name}`);
  return value;
};
