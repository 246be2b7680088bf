import type { KubeObject } from "../../../api/resource.ts";
import { durationMs } from "../../base/duration.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import { withLastApplied } from "../apply-plan.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { eachOf, whileDoing } from "../failures.ts";
import { readSomeManifests } from "../manifests.ts";
import { placeManifest, type PlacedManifest } from "../place-manifest.ts";
import { objectPrinter } from "../print/output.ts";
import { sendRaw } from "../raw-request.ts";
import { withPresentVersion } from "../replace-plan.ts";
import { apiVersionOf, pathOf, qualifiedKind } from "../resource-mapper.ts";
import { waitGone } from "../wait-gone.ts";
import { dryRunMark, tellWarnings, writeQuery } from "../write-request.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files, folders, or - for standard input" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  force: { kind: "bool", help: "Delete, then create anew" },
  "grace-period": { kind: "number", help: "With --force: seconds to end in peace" },
  timeout: { kind: "text", help: "With --force: how long to wait for the end, as 30s or 2m" },
  cascade: { kind: "text", alone: "background", help: "background, foreground or orphan" },
  wait: { kind: "text", alone: "true", help: "With --force: it always waits" },
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  output: { short: "o", kind: "text", help: "json, yaml or name" },
  validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
  "field-manager": { kind: "text", help: "Name under which fields are owned" },
  "save-config": { kind: "bool", help: "Keep the manifest in the object, for a later apply" },
  subresource: { kind: "text", help: "Replace this part of it: status, scale" },
  raw: { kind: "text", help: "Put the one file of -f to this path of the server" },
} as const;
type ReplaceFlags = Flags<typeof flags>;

const propagation: Readonly<Record<string, string>> = {
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
};

const objectPath = ({ resource, namespace, object }: PlacedManifest): string =>
  pathOf(resource, { namespace, name: object.metadata?.name ?? "" });

async function put(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: ReplaceFlags,
): Promise<KubeObject> {
  const { api } = kubectl;
  const manager = given["field-manager"] ?? "kubectl-replace";
  const query = writeQuery({ ...given, manager });
  const object = given["save-config"] ? withLastApplied(placed.object) : placed.object;
  if (given["dry-run"] === "client") return object;
  const whole = objectPath(placed);
  const path = given.subresource === undefined ? whole : `${whole}/${given.subresource}`;
  try {
    const present = await api.send<KubeObject>({ method: "GET", path });
    const body = withPresentVersion(object, present);
    return await api.send<KubeObject>({ method: "PUT", path: `${path}?${query}`, body });
  } catch (error) {
    throw whileDoing(error, `error when replacing "${placed.source}"`);
  }
}

interface Deleted {
  readonly kind?: string;
  readonly metadata?: { readonly uid?: string };
  readonly details?: { readonly uid?: string };
}

/** What is not there needs no deletion. */
async function removeOld(
  kubectl: Kubectl,
  placed: PlacedManifest,
  given: ReplaceFlags,
): Promise<void> {
  const { api, clock, signal, terminal } = kubectl;
  const { resource, namespace, object } = placed;
  const name = object.metadata?.name ?? "";
  const path = objectPath(placed);
  const grace = given["grace-period"] ?? -1;
  const body = {
    kind: "DeleteOptions",
    apiVersion: "v1",
    propagationPolicy: propagation[given.cascade ?? "background"] ?? "Background",
    ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
  };
  const deleted = await api
    .send<Deleted>({ method: "DELETE", path, body })
    .catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
  if (deleted === undefined) return;
  const where = resource.namespaced ? ` from ${namespace} namespace` : "";
  terminal.out(`${qualifiedKind(resource)} "${name}" deleted${where}\n`);
  const uid = deleted.kind === "Status" ? deleted.details?.uid : deleted.metadata?.uid;
  const timeoutMs = durationMs(given.timeout ?? "0");
  const overdue = new AbortController();
  using _alarm = timeoutMs === 0 ? undefined : clock.after(timeoutMs, () => overdue.abort());
  const life = AbortSignal.any([signal, overdue.signal]);
  await waitGone(kubectl, { resource, namespace, name, path }, uid, life).catch(
    (error: unknown) => {
      if (!overdue.signal.aborted) throw error;
      throw new UsageError(`timed out waiting for the condition on ${resource.plural}/${name}`);
    },
  );
}

function createAnew(
  { api }: Kubectl,
  { resource, namespace, object, source }: PlacedManifest,
  given: ReplaceFlags,
): Promise<KubeObject> {
  const query = writeQuery({ ...given, manager: given["field-manager"] ?? "kubectl-replace" });
  const body = given["save-config"] ? withLastApplied(object) : object;
  const path = `${pathOf(resource, { namespace })}?${query}`;
  return api.send<KubeObject>({ method: "POST", path, body }).catch((error: unknown) => {
    throw whileDoing(error, `error when creating "${source}"`);
  });
}

export const replace = defineCommand({
  usage: "replace -f FILE [--force]",
  flags,
  run: async (kubectl, { flags: given }) => {
    if (given.raw !== undefined) return sendRaw(kubectl, "PUT", given.raw, given.filename);
    if (given.filename.length === 0) throw new UsageError("must specify one of -f and -k");
    for (const name of ["grace-period", "timeout"] as const) {
      if (given[name] !== undefined && !given.force)
        throw new UsageError(`--${name} must have --force specified`);
    }
    if (given.force && given["dry-run"] !== undefined && given["dry-run"] !== "none")
      throw new UsageError("--dry-run can not be used when --force is set");
    const manifests = await readSomeManifests(given, kubectl.files, "replace");
    const mapper = await kubectl.mapper();
    const placed = manifests.map((manifest) => placeManifest(kubectl, mapper, manifest));
    let name = "";
    const printer = objectPrinter(given.output, () => name);
    if (given.force) for (const one of placed) await removeOld(kubectl, one, given);
    const failures = await eachOf(placed, async (one) => {
      const replaced = await (given.force ? createAnew : put)(kubectl, one, given);
      tellWarnings(kubectl);
      const { resource } = one;
      name = `${qualifiedKind(resource)}/${replaced.metadata?.name ?? ""}`;
      const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
      kubectl.terminal.out(
        printer === undefined
          ? `${name} replaced${dryRunMark(given["dry-run"])}\n`
          : await printer({ ...identity, ...replaced }),
      );
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
