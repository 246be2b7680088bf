/** PATCH: JSON, merge and strategic merge patches, on the object as it is when written. */
import { apiVersionOf, type KubeObject } from "../../../api/resource.ts";
import { strictDecodingError } from "../../machinery/decode.ts";
import { DecodeError } from "../../machinery/decode-walk.ts";
import { invalid } from "../../machinery/field-error.ts";
import { applyJsonPatch, PatchError } from "../../machinery/json-patch.ts";
import { kubernetesDecoder } from "../../machinery/kubernetes-decoder.ts";
import { applyMergePatch } from "../../machinery/merge-patch.ts";
import { kubernetesSchema } from "../../machinery/schema.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { applyStrategicMergePatch } from "../../machinery/strategic-merge.ts";
import type { ApiRequest } from "../api-request.ts";
import { badRequest, invalidObject } from "../refusals.ts";
import type { Resource } from "../resource.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { objectMode, type UpdateMode, updateObject, type Wanted } from "../store/update.ts";
import { bytesOf, fieldValidationOf, mediaTypeOf } from "./bodies.ts";
import { placeOf } from "./place.ts";
import { applyMediaType, serveApply } from "./serve-apply.ts";
import type { ServeVerb } from "./serve-verb.ts";
import { answerEntry, writeContextOf } from "./serve-writes.ts";

type Fields = Readonly<Record<string, unknown>>;
type ApplyPatch = (document: Fields, patch: unknown, schema: string) => unknown;

const patches: ReadonlyMap<string, ApplyPatch> = new Map<string, ApplyPatch>([
  ["application/json-patch+json", (document, patch) => applyJsonPatch(document, patch)],
  ["application/merge-patch+json", (document, patch) => applyMergePatch(document, patch)],
  [
    "application/strategic-merge-patch+json",
    (document, patch, schema) =>
      applyStrategicMergePatch(kubernetesSchema, schema, document, asFields(patch)),
  ],
]);

function asFields(patch: unknown): Fields {
  if (typeof patch === "object" && patch !== null && !Array.isArray(patch)) return patch as Fields;
  throw badRequest("the patch is not an object");
}

export interface ParsedPatch {
  /** `document` is plain JSON and stays as it is. Throws StatusError. */
  readonly apply: (document: Fields, schema: string) => Fields;
}

export function parsePatch(request: ApiRequest): ParsedPatch {
  const type = mediaTypeOf(request);
  const apply = patches.get(type);
  if (apply === undefined) {
    throw new StatusError(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ` +
        [...patches.keys(), applyMediaType].join(", "),
    );
  }
  const patch = parseJson(request);
  return {
    apply: (document, schema) => {
      try {
        return asFields(apply(document, patch, schema));
      } catch (error) {
        if (!(error instanceof PatchError)) throw error;
        throw new StatusError("Invalid", error.message, {}, { cause: error });
      }
    },
  };
}

function parseJson(request: ApiRequest): unknown {
  try {
    return JSON.parse(Buffer.from(bytesOf(request)).toString());
  } catch (error) {
    throw badRequest(`error decoding patch: ${String(error)}`);
  }
}

/** The object as clients see it: as kept in the cache, under its kind. */
const documentOf = ({ ref }: Resource, current: KubeObject): Fields => ({
  ...current,
  kind: ref.kind,
  apiVersion: apiVersionOf(ref),
});

/**
 * A patched document is decoded like a body: it may hold anything. But a field that the patch did
 * not touch is the very one of `document`, which was decoded when it was written, and stays that
 * one: it need not be decoded, defaulted, validated or compared again.
 */
function decodePatched(
  request: ApiRequest,
  resource: Resource,
  document: Fields,
  patched: Fields,
): KubeObject {
  const { ref } = resource;
  const isTouched = (name: string): boolean => patched[name] !== document[name];
  const touched = Object.fromEntries(Object.entries(patched).filter(([name]) => isTouched(name)));
  const refuse = (why: string): StatusError =>
    invalidObject({ group: "", kind: "" }, "", [invalid("patch", JSON.stringify(patched), why)]);
  try {
    const { object: changed, unknownFields } = kubernetesDecoder.decode<KubeObject>(
      ref.schema,
      // A copy: the decoder takes over what it gets, and parts of it are shared with the cache.
      JSON.parse(JSON.stringify(touched)),
    );
    const kept = Object.entries(document).filter(([name]) => !isTouched(name));
    // What is kept comes last: the decoder gives parts that it does not find their empty form.
    const object = { ...changed, ...Object.fromEntries(kept) };
    const mode = fieldValidationOf(request);
    const strict = mode === "Strict" ? strictDecodingError(unknownFields) : undefined;
    if (strict !== undefined) throw refuse(strict);
    if (mode === "Warn") warnAbout(request, unknownFields);
    return resource.defaults?.(object) ?? object;
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

function warnAbout(request: ApiRequest, unknownFields: readonly string[]): void {
  for (const path of unknownFields) {
    const text = `unknown field ${JSON.stringify(path)}`;
    if (!request.warnings.includes(text)) request.warnings.push(text);
  }
}

async function patch(store: ResourceStore, request: ApiRequest, mode: UpdateMode) {
  if (mediaTypeOf(request) === applyMediaType) return serveApply(store, request, mode);
  const { apply } = parsePatch(request);
  const { resource } = store;
  const wanted: Wanted = (current) => {
    const document = documentOf(resource, current);
    return decodePatched(request, resource, document, apply(document, resource.ref.schema));
  };
  const target = { ...placeOf(store, request), mode, wanted };
  const { entry } = await updateObject(store, target, writeContextOf(request));
  return answerEntry(store, request, entry);
}

export const servePatchOf =
  (mode: UpdateMode): ServeVerb =>
  (store, request) =>
    patch(store, request, mode);

export const servePatch = servePatchOf(objectMode);
