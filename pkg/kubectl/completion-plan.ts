/** Which words may stand next on a command line. Pure: whoever acts asks for objects' names. */
import type { FlagSpecs } from "../base/flags.ts";

export type Wanted =
  | { readonly complete: "words"; readonly words: readonly string[] }
  /** Types of the server; as "type/" where names follow at once. */
  | { readonly complete: "types" }
  | { readonly complete: "names"; readonly type: string; readonly prefix: string }
  | { readonly complete: "files" };

export interface Completing {
  readonly flags: FlagSpecs;
  readonly subcommands: readonly string[];
  /** Words behind the command's name, the last one unfinished. */
  readonly words: readonly string[];
  /** The command's own name: "get". */
  readonly command: string;
}

const formats = ["json", "yaml", "name", "wide", "jsonpath=", "custom-columns="];
/** Commands whose first word is a pod. */
const podCommands: ReadonlySet<string> = new Set(["logs", "exec", "attach", "port-forward", "cp"]);
const nodeCommands: ReadonlySet<string> = new Set(["cordon", "uncordon", "drain"]);
/** Behind its name stand no types. */
const typelessCommands: ReadonlySet<string> = new Set(
  "apply create run config cluster-info api-resources api-versions version options completion plugin certificate auth diff replace".split(
    " ",
  ),
);

function valueOf(name: string): Wanted {
  if (name === "output") return { complete: "words", words: formats };
  if (name === "namespace") return { complete: "names", type: "namespaces", prefix: "" };
  if (name === "dry-run") return { complete: "words", words: ["none", "client", "server"] };
  return { complete: "files" };
}

function flagOf(flags: FlagSpecs, word: string): string | undefined {
  const entry = Object.entries(flags).find(
    ([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  if (entry === undefined) return undefined;
  const [name, { kind, alone }] = entry;
  return kind === "bool" || alone !== undefined ? undefined : name;
}

/** The words that are no flags, nor their values. */
function argumentsOf(words: readonly string[], flags: FlagSpecs): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) found.push(word);
    else if (flagOf(flags, word) !== undefined) at++;
  }
  return found;
}

export function planCompletion({ flags, subcommands, words, command }: Completing): Wanted {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const asked = flagOf(flags, before.at(-1) ?? "");
  if (asked !== undefined) return valueOf(asked);
  const [flag = "", value] = last.split("=");
  if (last.startsWith("--") && value !== undefined) {
    const wanted = valueOf(flag.slice(2));
    if (wanted.complete !== "words") return wanted;
    return { complete: "words", words: wanted.words.map((word) => `${flag}=${word}`) };
  }
  if (last.startsWith("-"))
    return { complete: "words", words: Object.keys(flags).map((name) => `--${name}`) };
  const args = argumentsOf(before, flags);
  if (subcommands.length > 0 && args.length === 0) return { complete: "words", words: subcommands };
  if (typelessCommands.has(command)) return { complete: "files" };
  const slash = last.indexOf("/");
  if (slash > 0)
    return { complete: "names", type: last.slice(0, slash), prefix: last.slice(0, slash + 1) };
  const own = podCommands.has(command) ? "pods" : nodeCommands.has(command) ? "nodes" : undefined;
  if (own !== undefined)
    return args.length === 0 || own === "nodes"
      ? { complete: "names", type: own, prefix: "" }
      : { complete: "files" };
  const [type] = args;
  if (type === undefined) return { complete: "types" };
  return { complete: "names", type, prefix: "" };
}
