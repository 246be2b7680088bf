import { UsageError, type FlagSpecs } from "../../base/flags.ts";
import { answersTo, commandIndex } from "../command-index.ts";
import { defineCommand, type CommandEntry, type Kubectl } from "../command.ts";
import { planCompletion, type Wanted } from "../completion-plan.ts";
import { completionScripts } from "../completion-scripts.ts";
import { globalFlags } from "../global-flags.ts";
import { pathOf } from "../resource-mapper.ts";

/** More names are of no use to anybody who waits for them. */
const namesMax = 500;

async function namesOf(
  kubectl: Kubectl,
  type: string,
  namespace: string,
): Promise<readonly string[]> {
  const resource = (await kubectl.mapper([type])).byName(type);
  const path = `${pathOf(resource, { namespace })}?limit=${namesMax}`;
  const accept =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
  const { items = [] } = await kubectl.api.send<{
    readonly items?: readonly { readonly metadata?: { readonly name?: string } }[];
  }>({ method: "GET", path, accept });
  return items.map(({ metadata }) => metadata?.name ?? "");
}

async function found(
  kubectl: Kubectl,
  wanted: Wanted,
  namespace: string,
): Promise<readonly string[]> {
  switch (wanted.complete) {
    case "words":
      return wanted.words;
    case "types":
      return (await kubectl.mapper()).resources
        .filter(({ verbs }) => verbs.includes("list") || verbs.includes("get"))
        .map(({ plural }) => plural);
    case "names": {
      const names = await namesOf(kubectl, wanted.type, namespace);
      return names.map((name) => `${wanted.prefix}${name}`);
    }
    case "files":
      return [];
    default:
      return wanted satisfies never;
  }
}

function namespaceIn(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === "-n" || word === "--namespace");
  if (at >= 0) return words[at + 1];
  return words.find((word) => word.startsWith("--namespace="))?.split("=")[1];
}

/** Goes down to the command that the words name, and plans what may stand behind it. */
async function wantedOf(
  commands: readonly CommandEntry[],
  words: readonly string[],
): Promise<Wanted> {
  let entries = commands;
  let flags: FlagSpecs = globalFlags;
  let rest = words;
  let command = "";
  for (;;) {
    const at = commandIndex(rest.slice(0, -1), flags);
    const entry = at < 0 ? undefined : entries.find((one) => answersTo(one, rest[at]));
    if (entry === undefined) break;
    const loaded = await entry.load();
    rest = rest.toSpliced(at, 1);
    command ||= entry.name;
    flags = { ...globalFlags, ...loaded.flags };
    entries = loaded.subcommands ?? [];
  }
  const subcommands = entries.map(({ name }) => name);
  return planCompletion({ flags, subcommands, words: rest, command });
}

export const completion = defineCommand({
  usage: "completion (bash | zsh | fish)",
  flags: {},
  run: async (kubectl, { args, rest = [] }) => {
    const [shell] = args;
    const { terminal } = kubectl;
    if (shell === "words") {
      const wanted = await wantedOf(kubectl.commands, rest);
      const last = rest.at(-1) ?? "";
      const words = await found(kubectl, wanted, namespaceIn(rest) ?? kubectl.namespace);
      const fitting = words.filter((word) => word.startsWith(last));
      terminal.out(fitting.map((word) => `${word}\n`).join(""));
      return 0;
    }
    if (shell === undefined)
      throw new UsageError(
        "Shell not specified.\nSee 'tskubectl completion -h' for help and examples",
      );
    if (args.length > 1) {
      throw new UsageError(
        "Too many arguments. Expected only the shell type.\nSee 'tskubectl completion -h' for help and examples",
      );
    }
    const script = completionScripts[shell];
    if (script === undefined) {
      throw new UsageError(
        `Unsupported shell type "${shell}".\nSee 'tskubectl completion -h' for help and examples`,
      );
    }
    terminal.out(script);
    return 0;
  },
});
