import type { Command, Kubectl } from "./command.ts";
import { commands, type CommandEntry } from "./commands.ts";
import {
  describeFlags,
  parseFlags,
  UsageError,
  type FlagSpecs,
  type Flags,
} from "../base/flags.ts";

/** Flags that every command takes, in front of its name or behind it. */
export const globalFlags = {
  namespace: { short: "n", kind: "text", help: "The namespace to work in" },
  kubeconfig: { kind: "text", help: "Path of the kubeconfig file" },
  context: { kind: "text", help: "The kubeconfig's context to use" },
  cluster: { kind: "text", help: "The kubeconfig's cluster to use" },
  user: { kind: "text", help: "The kubeconfig's user to use" },
  server: { short: "s", kind: "text", help: "Address and port of the API server" },
  token: { kind: "text", help: "Bearer token to authenticate with" },
  as: { kind: "text", help: "User to impersonate" },
  "as-group": { kind: "list", help: "Group to impersonate" },
  "insecure-skip-tls-verify": { kind: "bool", help: "Do not check the server's certificate" },
  "certificate-authority": { kind: "text", help: "File with the server's authority" },
  "client-certificate": { kind: "text", help: "File with the client's certificate" },
  "client-key": { kind: "text", help: "File with the client's key" },
  help: { short: "h", kind: "bool", help: "How a command is used" },
} as const satisfies FlagSpecs;
export type GlobalFlags = Flags<typeof globalFlags>;

export type Invocation =
  | { readonly do: "help"; readonly text: string }
  | {
      readonly do: "run";
      readonly name: string;
      readonly command: Command;
      readonly globals: GlobalFlags;
      readonly words: readonly string[];
    };

const overview = (): string =>
  [
    "tskubectl controls a Kubernetes cluster.",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(15)} ${summary}`),
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
    `Flags:\n${describeFlags(command.flags)}`,
    "",
  ].join("\n");

/** Finds the command's name among flags that stand before it. */
function commandIndex(words: readonly string[]): number {
  const valued = new Set(
    Object.entries(globalFlags).flatMap(([name, spec]) =>
      spec.kind === "bool" ? [] : [`--${name}`, ...("short" in spec ? [`-${spec.short}`] : [])],
    ),
  );
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) return at;
    if (valued.has(word)) at++;
  }
  return -1;
}

/** What the command line asks for. Throws UsageError. */
export async function parseInvocation(words: readonly string[]): Promise<Invocation> {
  const at = commandIndex(words);
  const name = words[at];
  if (name === undefined || name === "help") return { do: "help", text: overview() };
  const entry = commands.find((one) => one.name === name);
  if (entry === undefined) throw new UsageError(`unknown command "${name}" for "tskubectl"`);
  const rest = [...words.slice(0, at), ...words.slice(at + 1)];
  const command = await entry.load();
  // Only to find the global flags: the command reads its own again.
  const { flags } = parsed(name, command, rest);
  if (flags.help) return { do: "help", text: commandHelp(entry, command) };
  return { do: "run", name, command, globals: flags as unknown as GlobalFlags, words: rest };
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
