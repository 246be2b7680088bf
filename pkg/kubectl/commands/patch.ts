import type { KubeObject } from "../../../api/resource.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects } from "../object-args.ts";
import { objectPrinter } from "../print/output.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { dryRunMark } from "../write-request.ts";

const types: Readonly<Record<string, string>> = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
};

/** JSON or YAML, of one document. Throws UsageError. */
async function parsePatch(text: string): Promise<unknown> {
  const { parseYaml, YamlError } = await import("../../machinery/yaml.ts");
  try {
    const [document] = parseYaml(text);
    if (document !== undefined) return document.value;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new UsageError(`unable to parse ${JSON.stringify(text)}: ${error.message}`);
  }
  throw new UsageError("must specify --patch or --patch-file containing the contents of the patch");
}

export const patch = defineCommand({
  usage: "patch (-f FILE | TYPE NAME) [-p PATCH | --patch-file FILE] [--type=strategic|merge|json]",
  flags: {
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    patch: { short: "p", kind: "text", help: "The patch, as JSON or YAML" },
    "patch-file": { kind: "text", help: "A file with the patch" },
    type: { kind: "text", help: "strategic (the default), merge or json" },
    subresource: { kind: "text", help: "status or scale" },
    "dry-run": { kind: "text", alone: "client", help: "none or server" },
    output: { short: "o", kind: "text", help: "json, yaml or name" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const contentType = types[flags.type ?? "strategic"];
    if (contentType === undefined)
      throw new UsageError(`--type must be one of [json merge strategic], not "${flags.type}"`);
    const file = flags["patch-file"];
    const text = flags.patch ?? (file === undefined ? "" : await kubectl.files.readText(file));
    const body = await parsePatch(text);
    const choice = { ...flags, selector: undefined, all: false, allNamespaces: false };
    const failures = await eachOf(await chooseObjects(kubectl, args, choice), async (target) => {
      const query = new URLSearchParams({ fieldManager: "kubectl-patch" });
      if (flags["dry-run"] === "server") query.set("dryRun", "All");
      const path =
        flags.subresource === undefined ? target.path : `${target.path}/${flags.subresource}`;
      const before = await kubectl.api.send<KubeObject>({ method: "GET", path });
      const request = { method: "PATCH", path: `${path}?${query}`, contentType, body } as const;
      const after =
        flags["dry-run"] === "client" ? before : await kubectl.api.send<KubeObject>(request);
      const name = `${qualifiedKind(target.resource)}/${target.name}`;
      const printer = objectPrinter(flags.output, () => name);
      const isSame = before.metadata?.resourceVersion === after.metadata?.resourceVersion;
      const done = isSame && flags["dry-run"] === undefined ? "patched (no change)" : "patched";
      kubectl.terminal.out(
        printer === undefined
          ? `${name} ${done}${dryRunMark(flags["dry-run"])}\n`
          : await printer(after),
      );
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
