/** cordon and uncordon: whether new pods may come to a node. */
import type { Node } from "../../../api/core/v1.ts";
import { defineCommand, type Command, type Kubectl } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseNodes } from "../node-args.ts";
import type { ObjectTarget } from "../object-args.ts";
import { dryRunMark } from "../write-request.ts";

/** Marks the node, and says what became of it. */
export async function cordonNode(
  { api, terminal }: Kubectl,
  { name, path }: ObjectTarget,
  unschedulable: boolean,
  dryRun: string | undefined,
): Promise<void> {
  const done = unschedulable ? "cordoned" : "uncordoned";
  const { spec } = await api.send<Node>({ method: "GET", path });
  if ((spec?.unschedulable ?? false) === unschedulable) {
    return terminal.out(`node/${name} already ${done}${dryRunMark(dryRun)}\n`);
  }
  if (dryRun !== "client") {
    await api.send({
      method: "PATCH",
      path: dryRun === "server" ? `${path}?dryRun=All` : path,
      contentType: "application/strategic-merge-patch+json",
      body: { spec: { unschedulable: unschedulable ? true : null } },
    });
  }
  terminal.out(`node/${name} ${done}${dryRunMark(dryRun)}\n`);
}

const cordonCommand = (unschedulable: boolean): Command =>
  defineCommand({
    usage: `${unschedulable ? "cordon" : "uncordon"} (NODE ... | -l SELECTOR)`,
    flags: {
      selector: { short: "l", kind: "text", help: "Label selector" },
      "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
    } as const,
    run: async (kubectl, { flags, args }) => {
      const nodes = await chooseNodes(kubectl, args, flags.selector);
      const failures = await eachOf(nodes, (node) =>
        cordonNode(kubectl, node, unschedulable, flags["dry-run"]),
      );
      if (failures !== undefined) throw failures;
      return 0;
    },
  });

export const cordon = cordonCommand(true);
export const uncordon = cordonCommand(false);
