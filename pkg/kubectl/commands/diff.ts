import { UsageError, type Flags } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import { planUnannotatedApply } from "../apply-plan.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import {
  diffCommand,
  diffFileName,
  selected,
  withoutManagers,
  withoutSecrets,
  type DiffObject,
  type DiffPair,
} from "../diff-plan.ts";
import { describeFailure } from "../failures.ts";
import { readManifests } from "../manifests.ts";
import { placeManifest, type PlacedManifest } from "../place-manifest.ts";
import { yamlText } from "../print/yaml-text.ts";
import { apiVersionOf, pathOf } from "../resource-mapper.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  selector: { short: "l", kind: "text", help: "Only objects with these labels" },
  "server-side": { kind: "bool", help: "As apply --server-side would" },
  "force-conflicts": { kind: "bool", help: "With --server-side: take fields from other managers" },
  "field-manager": { kind: "text", help: "Name under which fields are owned" },
  "show-managed-fields": { kind: "bool", help: "Compare who manages which field, too" },
  concurrency: { kind: "number", help: "Objects at a time: one, whatever is said" },
} as const;
type DiffFlags = Flags<typeof flags>;

/** diff's own codes: 1 says that something differs, more that something went wrong. */
const failed = 2;

const asResource = ({ resource }: PlacedManifest, object: DiffObject): DiffObject => ({
  ...object,
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
});

/** What apply would make of it: the server is asked, and changes nothing. */
async function merged(
  { api }: Kubectl,
  placed: PlacedManifest,
  live: DiffObject | undefined,
  given: DiffFlags,
): Promise<DiffObject> {
  const { resource, namespace } = placed;
  const object = placed.object as DiffObject;
  const path = pathOf(resource, { namespace, name: object.metadata?.name ?? "" });
  const fieldManager = given["field-manager"] ?? "kubectl-client-side-apply";
  const query = new URLSearchParams({ dryRun: "All", fieldManager });
  if (given["server-side"]) {
    query.set("fieldManager", given["field-manager"] ?? "kubectl");
    if (given["force-conflicts"]) query.set("force", "true");
    const contentType = "application/apply-patch+yaml";
    return api.send({ method: "PATCH", path: `${path}?${query}`, contentType, body: object });
  }
  if (live === undefined) {
    const { resourceVersion: _version, ...metadata } = (object.metadata ?? {}) as Readonly<
      Record<string, unknown>
    >;
    const body = { ...object, metadata };
    return api.send({ method: "POST", path: `${pathOf(resource, { namespace })}?${query}`, body });
  }
  const patch = planUnannotatedApply(object, live);
  if (patch === undefined) return live;
  return api.send({ method: "PATCH", path: `${path}?${query}`, ...patch });
}

async function pairOf(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: DiffFlags,
): Promise<DiffPair> {
  const { resource, namespace, object } = placed;
  const path = pathOf(resource, { namespace, name: object.metadata?.name ?? "" });
  const live = await kubectl.api
    .send<DiffObject>({ method: "GET", path })
    .catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
  const after = asResource(placed, await merged(kubectl, placed, live, given));
  const before = live === undefined ? undefined : asResource(placed, live);
  const shown = (one: DiffObject): DiffObject =>
    given["show-managed-fields"] ? one : withoutManagers(one);
  return withoutSecrets({
    live: before === undefined ? undefined : shown(before),
    merged: shown(after),
  });
}

async function compare(kubectl: Kubectl, given: DiffFlags): Promise<number> {
  if (given.filename.length === 0) throw new UsageError("must specify one of -f and -k");
  const all = await readManifests(given.filename, given.recursive, kubectl.files);
  const manifests = selected(all, given.selector ?? "");
  const mapper = await kubectl.mapper();
  const local = await kubectl.local();
  await using before = await local.makeTemporaryFolder("LIVE-");
  await using after = await local.makeTemporaryFolder("MERGED-");
  for (const manifest of manifests) {
    const placed = placeManifest(kubectl, mapper, manifest);
    const { live, merged: wanted } = await pairOf(kubectl, placed, given);
    const { resource, namespace, object } = placed;
    const name = diffFileName(resource, namespace, object.metadata?.name ?? "");
    for (const [folder, side] of [
      [before, live],
      [after, wanted],
    ] as const) {
      const text = side === undefined ? "" : yamlText(side);
      await local.writeText(`${folder.path}/${name}`, text);
    }
  }
  const command = diffCommand(local.environment("KUBECTL_EXTERNAL_DIFF"));
  return local.run([...command, before.path, after.path]);
}

export const diff = defineCommand({
  usage: "diff -f FILE [--server-side]",
  flags,
  run: async (kubectl, { flags: given }) =>
    compare(kubectl, given).catch((error: unknown) => {
      kubectl.signal.throwIfAborted();
      kubectl.terminal.err(`${describeFailure(error, kubectl.server)}\n`);
      return failed;
    }),
});
