import type { KubeObject } from "../../../api/resource.ts";
import { defineCommand } from "../command.ts";
import { eachOf, whileDoing } from "../failures.ts";
import { dryRunMark, tellWarnings, writeQuery } from "../write-request.ts";
import { readSomeManifests } from "../manifests.ts";
import { placeManifest } from "../place-manifest.ts";
import { objectPrinter } from "../print/output.ts";
import { apiVersionOf, pathOf, qualifiedKind } from "../resource-mapper.ts";

export const create = defineCommand({
  usage: "create -f FILE",
  flags: {
    filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
    output: { short: "o", kind: "text", help: "json, yaml or name" },
    validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
    "field-manager": { kind: "text", help: "Name under which fields are owned" },
    "save-config": { kind: "bool", help: "Keep the manifest in the object, for a later apply" },
  } as const,
  run: async (kubectl, { flags }) => {
    const manifests = await readSomeManifests(flags, kubectl.files, "create");
    const mapper = await kubectl.mapper();
    const query = writeQuery({ ...flags, manager: flags["field-manager"] ?? "kubectl-create" });
    const { withLastApplied } = await import("../apply-plan.ts");
    let name = "";
    const printer = objectPrinter(flags.output, () => name);
    const failures = await eachOf(manifests, async (manifest) => {
      const placed = placeManifest(kubectl, mapper, manifest);
      const { resource, namespace, object, source } = placed;
      const body = flags["save-config"] ? withLastApplied(object) : object;
      const path = `${pathOf(resource, { namespace })}?${query}`;
      const created =
        flags["dry-run"] === "client"
          ? body
          : await kubectl.api
              .send<KubeObject>({ method: "POST", path, body })
              .catch((error: unknown) => {
                throw whileDoing(error, `error when creating "${source}"`);
              });
      tellWarnings(kubectl);
      name = `${qualifiedKind(resource)}/${created.metadata?.name ?? ""}`;
      const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
      kubectl.terminal.out(
        printer === undefined
          ? `${name} created${dryRunMark(flags["dry-run"])}\n`
          : await printer({ ...identity, ...created }),
      );
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
