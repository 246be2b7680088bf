import type { Command, CommandEntry, Kubectl } from "./command.ts";
import { commands } from "./commands.ts";
import { globalFlags, type GlobalFlags } from "./global-flags.ts";
import { describeFlags, parseFlags, UsageError } from "../base/flags.ts";
import { answersTo, commandIndex } from "./command-index.ts";

export type Invocation =
  | { readonly do: "help"; readonly text: string }
  | {
      readonly do: "run";
      readonly name: string;
      readonly command: Command;
      readonly globals: GlobalFlags;
      readonly words: readonly string[];
    };

const listed = (entries: readonly CommandEntry[]): readonly string[] =>
  entries.map(({ name, summary }) => `  ${name.padEnd(18)} ${summary}`);

const overview = (): string =>
  [
    "tskubectl controls a Kubernetes cluster.",
    "",
    "Commands:",
    ...listed(commands),
    "",
    "Flags of every command:",
    describeFlags(globalFlags),
    "",
    'Use "tskubectl COMMAND --help" for the flags of one command.',
    "",
  ].join("\n");

const commandHelp = ({ summary }: CommandEntry, command: Command): string =>
  [
    summary,
    "",
    `Usage:\n  tskubectl ${command.usage}`,
    "",
    ...(command.subcommands === undefined ? [] : ["Commands:", ...listed(command.subcommands), ""]),
    `Flags:\n${describeFlags(command.flags)}`,
    "",
  ].join("\n");

/** A command's own flag hides the global one of its name: create rolebinding --user. */
function globalsOf(flags: Readonly<Record<string, unknown>>, command: Command): GlobalFlags {
  const own = Object.keys(command.flags).map((name) => [name, undefined]);
  return { ...flags, ...Object.fromEntries(own) } as unknown as GlobalFlags;
}

/** What the command line asks for. Throws UsageError. */
export async function parseInvocation(words: readonly string[]): Promise<Invocation> {
  let at = commandIndex(words, globalFlags);
  const first = words[at];
  if (first === undefined || first === "help") return { do: "help", text: overview() };
  let entry = commands.find((one) => answersTo(one, first));
  if (entry === undefined) throw new UsageError(`unknown command "${first}" for "tskubectl"`);
  let name = entry.name;
  let rest = words.toSpliced(at, 1);
  let command = await entry.load();
  for (;;) {
    at = commandIndex(rest, { ...globalFlags, ...command.flags });
    const inner = command.subcommands?.find((one) => answersTo(one, rest[at]));
    if (inner === undefined) break;
    entry = inner;
    name = `${name} ${inner.name}`;
    rest = rest.toSpliced(at, 1);
    command = await inner.load();
  }
  // Only to find the global flags: the command reads its own again.
  const { flags } = parsed(name, command, rest);
  if (flags.help) return { do: "help", text: commandHelp(entry, command) };
  return { do: "run", name, command, globals: globalsOf(flags, command), words: rest };
}

export const runCommand = (
  { name, command, words }: Extract<Invocation, { readonly do: "run" }>,
  kubectl: Kubectl,
): Promise<number> => command.run(kubectl, parsed(name, command, words));

function parsed(name: string, command: Command, words: readonly string[]) {
  try {
    return parseFlags({ ...globalFlags, ...command.flags }, words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}\nSee 'tskubectl ${name} --help' for usage.`);
  }
}
