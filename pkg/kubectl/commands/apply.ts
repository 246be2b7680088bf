import type { KubeObject } from "../../../api/resource.ts";
import { isReason } from "../../machinery/status-error.ts";
import { lastApplied, planApply, withLastApplied } from "../apply-plan.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { readManifests } from "../manifests.ts";
import { placeManifest, type PlacedManifest } from "../place-manifest.ts";
import { objectPrinter } from "../print/output.ts";
import { pathOf, qualifiedKind } from "../resource-mapper.ts";
import { tellWarnings, writeQuery } from "../write-request.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  "server-side": { kind: "bool", help: "The server merges, and keeps who owns which field" },
  "force-conflicts": { kind: "bool", help: "With --server-side: take fields from other managers" },
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  output: { short: "o", kind: "text", help: "json, yaml or name" },
  validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
  "field-manager": { kind: "text", help: "Name under which fields are owned" },
} as const;
type ApplyFlags = Flags<typeof flags>;
type LiveObject = KubeObject & Record<string, unknown>;

interface Outcome {
  readonly object: LiveObject;
  readonly done: "created" | "configured" | "unchanged" | "serverside-applied";
}

/** Another writer between our read and our patch: read again and decide anew. */
const conflictRetriesMax = 5;

const read = (kubectl: Kubectl, path: string): Promise<LiveObject | undefined> =>
  kubectl.api.send<LiveObject>({ method: "GET", path }).catch((error: unknown) => {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  });

function warnOfMissingAnnotation(kubectl: Kubectl, current: LiveObject, name: string): void {
  if (lastApplied(current) !== undefined) return;
  kubectl.terminal.err(
    `Warning: resource ${name} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by tskubectl apply. tskubectl apply should only be used on resources created declaratively by either tskubectl create --save-config or tskubectl apply. The missing annotation will be patched automatically.\n`,
  );
}

async function applyHere(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: ApplyFlags,
): Promise<Outcome> {
  const { resource, namespace } = placed;
  const object = placed.object as LiveObject;
  const name = object.metadata?.name ?? "";
  if (name === "")
    throw new UsageError("error: resource name may not be empty: apply needs metadata.name");
  const path = pathOf(resource, { namespace, name });
  const query = writeQuery({
    ...given,
    manager: given["field-manager"] ?? "kubectl-client-side-apply",
  });
  const isLocal = given["dry-run"] === "client";
  for (let attempt = 1; ; attempt++) {
    const current = await read(kubectl, path);
    if (current === undefined) {
      const body = withLastApplied(object);
      const collection = pathOf(resource, { namespace });
      const created = isLocal
        ? (body as LiveObject)
        : await kubectl.api.send<LiveObject>({
            method: "POST",
            path: `${collection}?${query}`,
            body,
          });
      return { object: created, done: "created" };
    }
    warnOfMissingAnnotation(kubectl, current, `${resource.plural}/${name}`);
    const patch = planApply(object, current);
    if (patch === undefined) return { object: current, done: "unchanged" };
    if (isLocal) return { object: current, done: "configured" };
    try {
      const patched = await kubectl.api.send<LiveObject>({
        method: "PATCH",
        path: `${path}?${query}`,
        ...patch,
      });
      const isSame = patched.metadata?.resourceVersion === current.metadata?.resourceVersion;
      return { object: patched, done: isSame ? "unchanged" : "configured" };
    } catch (error) {
      if (!isReason(error, "Conflict") || attempt >= conflictRetriesMax) throw error;
    }
  }
}

async function applyThere(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: ApplyFlags,
): Promise<Outcome> {
  const { resource, namespace, object } = placed;
  const query = writeQuery({ ...given, manager: given["field-manager"] ?? "tskubectl" });
  if (given["force-conflicts"]) query.set("force", "true");
  const applied = await kubectl.api.send<LiveObject>({
    method: "PATCH",
    path: `${pathOf(resource, { namespace, name: object.metadata?.name ?? "" })}?${query}`,
    contentType: "application/apply-patch+yaml",
    body: object,
  });
  return { object: applied, done: "serverside-applied" };
}

async function report(
  kubectl: Kubectl,
  placed: PlacedManifest,
  outcome: Outcome,
  given: ApplyFlags,
): Promise<void> {
  const name = `${qualifiedKind(placed.resource)}/${outcome.object.metadata?.name ?? ""}`;
  const printer = objectPrinter(given.output, () => name);
  const mode = { client: " (dry run)", server: " (server dry run)" }[given["dry-run"] ?? ""] ?? "";
  tellWarnings(kubectl);
  kubectl.terminal.out(
    printer === undefined ? `${name} ${outcome.done}${mode}\n` : await printer(outcome.object),
  );
}

export const apply = defineCommand({
  name: "apply",
  summary: "Create or change resources so that they are as files say",
  usage: "apply -f FILE [--server-side] [--dry-run=server|client]",
  flags,
  run: async (kubectl, { flags: given }) => {
    const manifests = await readManifests(given.filename, given.recursive, kubectl.files);
    const mapper = await kubectl.mapper();
    // All are placed before the first is sent: an unknown kind in the last one changes nothing.
    const placed = manifests.map((manifest) => placeManifest(kubectl, mapper, manifest));
    for (const one of placed) {
      const outcome = await (given["server-side"] ? applyThere : applyHere)(kubectl, one, given);
      await report(kubectl, one, outcome, given);
    }
    return 0;
  },
});
