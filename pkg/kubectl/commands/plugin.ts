import { UsageError } from "../../base/flags.ts";
import { defineCommand, type LocalProgram } from "../command.ts";
import { groupOf } from "./create/group.ts";

const prefix = "kubectl-";

/** What is wrong with plugins, each behind the one that it is about. Pure. */
export function planPluginList(
  programs: readonly LocalProgram[],
  nameOnly: boolean,
): { readonly lines: readonly string[]; readonly warnings: readonly string[] } {
  const seen = new Map<string, string>();
  const warnings: string[] = [];
  const lines = programs.flatMap(({ path, isExecutable }) => {
    const name = path.split("/").at(-1) ?? "";
    const own: string[] = [];
    if (!isExecutable) own.push(`${path} identified as a kubectl plugin, but it is not executable`);
    const first = seen.get(name);
    if (first === undefined) seen.set(name, path);
    else own.push(`${path} is overshadowed by a similarly named plugin: ${first}`);
    warnings.push(...own);
    return [nameOnly ? name : path, ...own.map((warning) => `  - warning: ${warning}`)];
  });
  return { lines, warnings };
}

const list = defineCommand({
  usage: "plugin list [--name-only]",
  flags: { "name-only": { kind: "bool", help: "Names without folders" } } as const,
  run: async (kubectl, { flags }) => {
    const programs = await (await kubectl.local()).programs(prefix);
    if (programs.length === 0)
      throw new UsageError("unable to find any kubectl plugins in your PATH");
    const { lines, warnings } = planPluginList(programs, flags["name-only"]);
    const { terminal } = kubectl;
    const head = "The following compatible plugins are available:";
    terminal.out([head, "", ...lines, ""].join("\n"));
    if (warnings.length === 0) return 0;
    const many =
      warnings.length > 1 ? `${warnings.length} plugin warnings were` : "one plugin warning was";
    throw new UsageError(`${many} found`);
  },
});

export const plugin = groupOf("plugin", [
  {
    name: "list",
    summary: "Programs on the PATH that are named kubectl-…",
    load: async () => list,
  },
]);
