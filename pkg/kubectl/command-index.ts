import type { FlagSpecs } from "../base/flags.ts";
import type { CommandEntry } from "./command.ts";

/** Finds a command's name among flags that stand before it. */
export function commandIndex(words: readonly string[], flags: FlagSpecs): number {
  const valued = new Set(
    Object.entries(flags).flatMap(([name, { kind, alone, short }]) =>
      kind === "bool" || alone !== undefined
        ? []
        : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
    ),
  );
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return -1;
    if (!word.startsWith("-")) return at;
    if (valued.has(word)) at++;
  }
  return -1;
}

export const answersTo = (
  { name, aliases = [] }: CommandEntry,
  word: string | undefined,
): boolean => word !== undefined && (name === word || aliases.includes(word));
