/** PATCH: JSON, merge and strategic merge patches, on the object as it is when written. */
import type { KubeObject } from "../../../api/resource.ts";
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

const patches: Readonly<Record<string, ApplyPatch>> = {
  "application/json-patch+json": (document, patch) => applyJsonPatch(document, patch),
  "application/merge-patch+json": (document, patch) => applyMergePatch(document, patch),
  "application/strategic-merge-patch+json": (document, patch, schema) =>
    applyStrategicMergePatch(kubernetesSchema, schema, document, asFields(patch)),
};

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
  const apply = patches[type];
  if (apply === undefined) {
    throw new StatusError(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ` +
        [...Object.keys(patches), applyMediaType].join(", "),
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

/** A patched document is decoded like a body: it may hold anything. */
function decodePatched(request: ApiRequest, resource: Resource, patched: Fields): KubeObject {
  const { ref } = resource;
  const refuse = (why: string): StatusError =>
    invalidObject({ group: "", kind: "" }, "", [invalid("patch", JSON.stringify(patched), why)]);
  try {
    const { object, unknownFields } = kubernetesDecoder.decode<KubeObject>(ref.schema, patched);
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
  const wanted: Wanted = (_current, entry) => {
    // A copy of its own: the decoder takes over what it gets, and the cache's object is shared.
    const document = JSON.parse(entry.json.toString()) as Fields;
    return decodePatched(request, resource, apply(document, resource.ref.schema));
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
