import type { KubeObject } from "../../../api/resource.ts";
import { defineCommand } from "../command.ts";
import { tellWarnings, writeQuery } from "../write-request.ts";
import { readManifests } from "../manifests.ts";
import { placeManifest } from "../place-manifest.ts";
import { objectPrinter } from "../print/output.ts";
import { pathOf, qualifiedKind } from "../resource-mapper.ts";

export const create = defineCommand({
  name: "create",
  summary: "Create resources from files",
  usage: "create -f FILE",
  flags: {
    filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
    output: { short: "o", kind: "text", help: "json, yaml or name" },
    validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
    "field-manager": { kind: "text", help: "Name under which fields are owned" },
  } as const,
  run: async (kubectl, { flags }) => {
    const mapper = await kubectl.mapper();
    for (const manifest of await readManifests(flags.filename, flags.recursive, kubectl.files)) {
      const { resource, namespace, object } = placeManifest(kubectl, mapper, manifest);
      const query = writeQuery({ ...flags, manager: flags["field-manager"] ?? "tskubectl-create" });
      const created =
        flags["dry-run"] === "client"
          ? object
          : await kubectl.api.send<KubeObject>({
              method: "POST",
              path: `${pathOf(resource, { namespace })}?${query}`,
              body: object,
            });
      tellWarnings(kubectl);
      const name = `${qualifiedKind(resource)}/${created.metadata?.name ?? ""}`;
      const printer = objectPrinter(flags.output, () => name);
      const mode =
        flags["dry-run"] === undefined || flags["dry-run"] === "none"
          ? ""
          : flags["dry-run"] === "server"
            ? " (server dry run)"
            : " (dry run)";
      kubectl.terminal.out(
        printer === undefined ? `${name} created${mode}\n` : await printer(created),
      );
    }
    return 0;
  },
});
