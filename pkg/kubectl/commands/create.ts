import type { KubeObject } from "../../../api/resource.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand, type CommandEntry } from "../command.ts";
import { eachOf, whileDoing } from "../failures.ts";
import { dryRunMark, tellWarnings, writeQuery } from "../write-request.ts";
import { sendRaw } from "../raw-request.ts";
import { readSomeManifests } from "../manifests.ts";
import { placeManifest } from "../place-manifest.ts";
import { objectPrinter } from "../print/output.ts";
import { apiVersionOf, pathOf, qualifiedKind } from "../resource-mapper.ts";

const subcommands: readonly CommandEntry[] = [
  {
    name: "clusterrole",
    summary: "A cluster role",
    load: async () => (await import("./create/rbac.ts")).createClusterRole,
  },
  {
    name: "clusterrolebinding",
    summary: "Who has a cluster role, everywhere",
    load: async () => (await import("./create/rbac.ts")).createClusterRoleBinding,
  },
  {
    name: "configmap",
    aliases: ["cm"],
    summary: "A config map of files, folders or words",
    load: async () => (await import("./create/config.ts")).createConfigMap,
  },
  {
    name: "deployment",
    aliases: ["deploy"],
    summary: "A deployment of images",
    load: async () => (await import("./create/simple.ts")).createDeployment,
  },
  {
    name: "namespace",
    aliases: ["ns"],
    summary: "A namespace",
    load: async () => (await import("./create/simple.ts")).createNamespace,
  },
  {
    name: "role",
    summary: "A role, with one rule for all that is named",
    load: async () => (await import("./create/rbac.ts")).createRole,
  },
  {
    name: "rolebinding",
    summary: "Who has a role, in a namespace",
    load: async () => (await import("./create/rbac.ts")).createRoleBinding,
  },
  {
    name: "secret",
    summary: "A secret: generic, tls or docker-registry",
    load: async () => (await import("./create/config.ts")).createSecret,
  },
  {
    name: "service",
    aliases: ["svc"],
    summary: "A service: clusterip, nodeport, loadbalancer or externalname",
    load: async () => (await import("./create/service.ts")).createServiceGroup,
  },
  {
    name: "serviceaccount",
    aliases: ["sa"],
    summary: "A service account",
    load: async () => (await import("./create/simple.ts")).createServiceAccount,
  },
  {
    name: "token",
    summary: "A token of a service account",
    load: async () => (await import("./create/token.ts")).createToken,
  },
];

export const create = defineCommand({
  usage: "create (-f FILE | TYPE NAME)",
  subcommands,
  flags: {
    filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
    output: { short: "o", kind: "text", help: "json, yaml or name" },
    validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
    "field-manager": { kind: "text", help: "Name under which fields are owned" },
    "save-config": { kind: "bool", help: "Keep the manifest in the object, for a later apply" },
    raw: { kind: "text", help: "Post the one file of -f to this path of the server" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    if (args.length > 0) {
      throw new UsageError(
        `Unexpected args: [${args.join(" ")}]\nSee 'tskubectl create -h' for help and examples`,
      );
    }
    if (flags.raw !== undefined) return sendRaw(kubectl, "POST", flags.raw, flags.filename);
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
