import type { Node } from "../../../api/core/v1.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { parseTaints, planTaints, type TaintChanges } from "../taint-plan.ts";
import { dryRunMark } from "../write-request.ts";

async function taintOne(
  { api, terminal }: Kubectl,
  { name, path }: ObjectTarget,
  changes: TaintChanges,
  { overwrite, dryRun }: { readonly overwrite: boolean; readonly dryRun: string | undefined },
): Promise<void> {
  const { metadata, spec } = await api.send<Node>({ method: "GET", path });
  const { taints, done } = planTaints(spec?.taints ?? [], changes, overwrite, name);
  if (dryRun !== "client") {
    await api.send({
      method: "PATCH",
      path: dryRun === "server" ? `${path}?dryRun=All` : path,
      // The list as a whole: refused where somebody else has changed the node since.
      contentType: "application/merge-patch+json",
      body: {
        metadata: { resourceVersion: metadata?.resourceVersion },
        spec: { taints: taints.length === 0 ? null : taints },
      },
    });
  }
  terminal.out(`node/${name} ${done}${dryRunMark(dryRun)}\n`);
}

export const taint = defineCommand({
  usage: "taint nodes (NODE ... | -l SELECTOR | --all) KEY[=VALUE]:EFFECT ... KEY[:EFFECT]- ...",
  flags: {
    selector: { short: "l", kind: "text", help: "Label selector" },
    all: { kind: "bool", help: "All nodes" },
    overwrite: { kind: "bool", help: "Replace taints of the same key and effect" },
    "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const isTaint = (word: string): boolean => /[=:]|.-$/.test(word);
    const first = args.findIndex(isTaint);
    const at = first < 0 ? args.length : first;
    const [type, ...names] = args.slice(0, at);
    if (at === args.length) throw new UsageError("at least one taint update is required");
    if (!["node", "nodes", "no"].includes(type?.split("/")[0] ?? ""))
      throw new UsageError(`invalid resource type ${type}, only node types are supported`);
    const changes = parseTaints(args.slice(at));
    const words = type?.includes("/") === true ? [type, ...names] : ["nodes", ...names];
    const targets = await chooseObjects(kubectl, words, {
      filename: [],
      recursive: false,
      selector: flags.selector,
      all: flags.all,
      allNamespaces: false,
    });
    const how = { overwrite: flags.overwrite, dryRun: flags["dry-run"] };
    const failures = await eachOf(targets, (target) => taintOne(kubectl, target, changes, how));
    if (failures !== undefined) throw failures;
    return 0;
  },
});
