import type { KubeObject } from "../../../api/resource.ts";
import { isReason } from "../../machinery/status-error.ts";
import { lastApplied, planApply, withLastApplied, type ApplyPatch } from "../apply-plan.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import type { Flags } from "../../base/flags.ts";
import { eachOf, whileDoing } from "../failures.ts";
import { readSomeManifests } from "../manifests.ts";
import { placeManifest, type PlacedManifest } from "../place-manifest.ts";
import { jsonText } from "../print/json-text.ts";
import { objectPrinter } from "../print/output.ts";
import { apiVersionOf, pathOf, qualifiedKind } from "../resource-mapper.ts";
import { dryRunMark, tellWarnings, writeQuery } from "../write-request.ts";

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

/** Which object an error is about, as it stands in messages. */
function placeText({ resource, namespace, object }: PlacedManifest): string {
  const { group, version, plural, kind } = resource;
  const name = object.metadata?.name ?? "";
  return (
    `Resource: "${group}/${version}, Resource=${plural}", ` +
    `GroupVersionKind: "${group}/${version}, Kind=${kind}"\n` +
    `Name: "${name}", Namespace: "${namespace}"`
  );
}

function read(
  kubectl: Kubectl,
  placed: PlacedManifest,
  path: string,
): Promise<LiveObject | undefined> {
  const doing =
    `error when retrieving current configuration of:\n${placeText(placed)}\n` +
    `from server for: "${placed.source}"`;
  if ((placed.object.metadata?.name ?? "") === "")
    throw new Error(`${doing}: resource name may not be empty`);
  return kubectl.api.send<LiveObject>({ method: "GET", path }).catch((error: unknown) => {
    if (isReason(error, "NotFound")) return undefined;
    throw whileDoing(error, doing);
  });
}

function warnOfMissingAnnotation(kubectl: Kubectl, current: LiveObject, name: string): void {
  if (lastApplied(current) !== undefined) return;
  kubectl.terminal.err(
    `Warning: resource ${name} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by tskubectl apply. tskubectl apply should only be used on resources created declaratively by either tskubectl create --save-config or tskubectl apply. The missing annotation will be patched automatically.\n`,
  );
}

async function createApplied(
  kubectl: Kubectl,
  placed: PlacedManifest,
  query: URLSearchParams,
): Promise<LiveObject> {
  const { resource, namespace, source } = placed;
  const path = `${pathOf(resource, { namespace })}?${query}`;
  const body = withLastApplied(placed.object);
  return kubectl.api.send<LiveObject>({ method: "POST", path, body }).catch((error: unknown) => {
    throw whileDoing(error, `error when creating "${source}"`);
  });
}

function patchFailure(error: unknown, placed: PlacedManifest, patch: ApplyPatch): unknown {
  const { source } = placed;
  return whileDoing(
    error,
    `error when applying patch:\n${jsonText(patch.body)}\nto:\n${placeText(placed)}\n` +
      `for: "${source}": error when patching "${source}"`,
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
  const path = pathOf(resource, { namespace, name });
  const manager = given["field-manager"] ?? "kubectl-client-side-apply";
  const query = writeQuery({ ...given, manager });
  const isLocal = given["dry-run"] === "client";
  for (let attempt = 1; ; attempt++) {
    const current = await read(kubectl, placed, path);
    if (current === undefined) {
      const created = isLocal ? object : await createApplied(kubectl, placed, query);
      return { object: created, done: "created" };
    }
    warnOfMissingAnnotation(kubectl, current, `${resource.plural}/${name}`);
    const patch = planApply(object, current);
    if (patch === undefined) return { object: current, done: "unchanged" };
    if (isLocal) return { object: current, done: "configured" };
    try {
      const request = { method: "PATCH", path: `${path}?${query}`, ...patch } as const;
      const patched = await kubectl.api.send<LiveObject>(request);
      return { object: patched, done: "configured" };
    } catch (error) {
      if (isReason(error, "Conflict") && attempt < conflictRetriesMax) continue;
      throw patchFailure(error, placed, patch);
    }
  }
}

async function applyThere(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: ApplyFlags,
): Promise<Outcome> {
  const { resource, namespace, object } = placed;
  const query = writeQuery({ ...given, manager: given["field-manager"] ?? "kubectl" });
  if (given["force-conflicts"]) query.set("force", "true");
  const applied = await kubectl.api.send<LiveObject>({
    method: "PATCH",
    path: `${pathOf(resource, { namespace, name: object.metadata?.name ?? "" })}?${query}`,
    contentType: "application/apply-patch+yaml",
    body: object,
  });
  return { object: applied, done: "serverside-applied" };
}

/** Several objects are printed as one list. */
async function printApplied(
  { terminal }: Kubectl,
  applied: readonly (readonly [PlacedManifest, Outcome])[],
  given: ApplyFlags,
): Promise<void> {
  const nameOf = ({ resource }: PlacedManifest, { object }: Outcome): string =>
    `${qualifiedKind(resource)}/${object.metadata?.name ?? ""}`;
  const names = applied.map(([placed, outcome]) => nameOf(placed, outcome));
  if (given.output === "name") return terminal.out(names.map((name) => `${name}\n`).join(""));
  const printer = objectPrinter(given.output, () => "");
  const items = applied.map(([{ resource }, { object }]) => ({
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...object,
  }));
  const list = { apiVersion: "v1", kind: "List", metadata: {}, items };
  if (printer !== undefined && items.length > 0)
    terminal.out(await printer(items.length === 1 ? items[0] : list));
}

export const apply = defineCommand({
  usage: "apply -f FILE [--server-side] [--dry-run=server|client]",
  flags,
  run: async (kubectl, { flags: given }) => {
    const manifests = await readSomeManifests(given, kubectl.files, "apply");
    const mapper = await kubectl.mapper();
    const applied: (readonly [PlacedManifest, Outcome])[] = [];
    const isTold = given.output === undefined || given.output === "";
    // Before anything is sent: an output format that does not exist changes nothing.
    objectPrinter(given.output, () => "");
    const failures = await eachOf(manifests, async (manifest) => {
      const placed = placeManifest(kubectl, mapper, manifest);
      const outcome = await (given["server-side"] ? applyThere : applyHere)(kubectl, placed, given);
      tellWarnings(kubectl);
      applied.push([placed, outcome]);
      if (!isTold) return;
      const name = `${qualifiedKind(placed.resource)}/${outcome.object.metadata?.name ?? ""}`;
      kubectl.terminal.out(`${name} ${outcome.done}${dryRunMark(given["dry-run"])}\n`);
    });
    await printApplied(kubectl, applied, given);
    if (failures !== undefined) throw failures;
    return 0;
  },
});
