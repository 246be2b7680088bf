/**
 * What `apply` sends: decided from the manifest, what the server has, and what was applied last,
 * which the object carries in an annotation. Pure.
 */
import type { KubeObject } from "../../api/resource.ts";
import { kubernetesSchema } from "../machinery/schema.ts";
import { schemaKeyOf } from "../machinery/schema-key.ts";
import { jsonText } from "./print/json-text.ts";
import { createThreeWayMergePatch } from "../machinery/merge-patch.ts";
import { createThreeWayStrategicPatch } from "../machinery/strategic-diff.ts";

export const lastAppliedKey = "kubectl.kubernetes.io/last-applied-configuration";

type Fields = Readonly<Record<string, unknown>>;
/** A manifest or a live object: a kind's fields are the schema's business, not this file's. */
type Applied = KubeObject & Fields;

export interface ApplyPatch {
  readonly contentType: string;
  readonly body: Fields;
}

/** The manifest without the annotation of an earlier apply, as one line of JSON. */
function lastAppliedText(manifest: Applied): string {
  const { [lastAppliedKey]: _before, ...annotations } = manifest.metadata?.annotations ?? {};
  const metadata = { ...manifest.metadata, annotations };
  return `${jsonText({ ...manifest, metadata })}\n`;
}

/** The manifest as it is created or patched in: with itself in its annotation. */
export function withLastApplied(manifest: Applied): Applied {
  const annotations = {
    ...manifest.metadata?.annotations,
    [lastAppliedKey]: lastAppliedText(manifest),
  };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}

/** What was applied last; an object that was never applied has nothing that could be taken out. */
export function lastApplied(current: Applied): Fields | undefined {
  const text = current.metadata?.annotations?.[lastAppliedKey];
  return text === undefined ? undefined : (JSON.parse(text) as Fields);
}

/** The patch from the live object to the manifest; undefined: nothing to do. */
export const planApply = (manifest: Applied, current: Applied): ApplyPatch | undefined =>
  threeWayPatch(manifest, withLastApplied(manifest), current);

/** As planApply, but what was applied last stays as it is written: for a look ahead. */
export const planUnannotatedApply = (manifest: Applied, current: Applied): ApplyPatch | undefined =>
  threeWayPatch(manifest, manifest, current);

function threeWayPatch(
  manifest: Applied,
  modified: Applied,
  current: Applied,
): ApplyPatch | undefined {
  const original = lastApplied(current) ?? {};
  const key = schemaKeyOf(manifest.apiVersion ?? "", manifest.kind ?? "");
  const known = key === undefined ? undefined : kubernetesSchema.message(key);
  const body =
    known === undefined
      ? createThreeWayMergePatch(original, modified, current)
      : createThreeWayStrategicPatch(kubernetesSchema, known.key, { original, modified, current });
  if (Object.keys(body).length === 0) return undefined;
  const type = known === undefined ? "merge-patch" : "strategic-merge-patch";
  return { contentType: `application/${type}+json`, body };
}
