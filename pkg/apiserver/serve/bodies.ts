/** Request bodies → objects of a kind: decoded, checked, pruned, defaulted. */
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../../api/resource.ts";
import { strictDecodingError } from "../../machinery/decode.ts";
import { DecodeError } from "../../machinery/decode-walk.ts";
import { duplicateFields } from "../../machinery/duplicate-fields.ts";
import { kubernetesProtobuf, protobufMediaType } from "../../machinery/kube-protobuf.ts";
import { kubernetesDecoder } from "../../machinery/kubernetes-decoder.ts";
import { ProtobufError } from "../../machinery/protobuf-reader.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { parseYaml, YamlError } from "../../machinery/yaml.ts";
import type { ApiRequest } from "../api-request.ts";
import { limits } from "../limits.ts";
import { badRequest, invalidObject } from "../refusals.ts";
import type { Resource } from "../resource.ts";

const noBytes = new Uint8Array();

export function bytesOf(request: ApiRequest): Uint8Array {
  const { body } = request.wire;
  if (body === undefined) return noBytes;
  if (body.length > limits.bodyBytesMax) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `Request entity too large: limit is ${limits.bodyBytesMax}`,
    );
  }
  return body;
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What to do about fields that the kind does not have; Warn where the client does not say. */
export function fieldValidationOf({ query }: ApiRequest): FieldValidation {
  const asked = query.get("fieldValidation") ?? "";
  if (asked === "Strict" || asked === "Warn" || asked === "Ignore") return asked;
  if (asked === "") return "Warn";
  throw invalidObject({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [
    {
      type: "FieldValueNotSupported",
      path: "fieldValidation",
      value: asked,
      detail: 'supported values: "Ignore", "Strict", "Warn"',
    },
  ]);
}

interface Body {
  readonly value: unknown;
  /** The JSON text, where there is one: only it can show fields that stand in it twice. */
  readonly text?: string;
}

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

/** The body as it was sent, for those who must know what it leaves out. */
export const rawBody = (request: ApiRequest): unknown => readBody(request).value;

export const mediaTypeOf = (request: ApiRequest): string =>
  (request.header("content-type") ?? "").split(";")[0]?.trim() ?? "";

function readBody(request: ApiRequest): Body {
  const bytes = bytesOf(request);
  const type = mediaTypeOf(request);
  if (type === protobufMediaType) return { value: kubernetesProtobuf.decode(bytes) };
  if (type === "" || type === "application/json") {
    const json = text(bytes);
    return { value: JSON.parse(json), text: json };
  }
  if (type === "application/yaml" || type === "application/apply-patch+yaml")
    return { value: parseYaml(text(bytes))[0]?.value };
  throw new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ` +
      `application/json, application/yaml, ${protobufMediaType}`,
  );
}

/** One object of `kind`, defaulted by `resource` where there is one. */
export function decodeBody<T extends KubeObject>(
  request: ApiRequest,
  ref: Pick<ResourceRef, "group" | "version" | "kind" | "schema">,
  resource?: Resource,
): T {
  const { kind, version } = ref;
  const what = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
  try {
    const body = readBody(request);
    checkType(body.value, ref);
    const object = decodeValue<T>(request, ref, body);
    return (resource?.defaults?.(object) as T | undefined) ?? object;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    if (error instanceof DecodeError || error instanceof StrictError) {
      throw new StatusError("BadRequest", `${what}: ${error.message}`, {}, { cause: error });
    }
    if (isUnreadable(error)) {
      throw badRequest(`the object provided is unrecognized: ${error.message}`);
    }
    throw error;
  }
}

const isUnreadable = (error: unknown): error is Error =>
  error instanceof SyntaxError || error instanceof ProtobufError || error instanceof YamlError;

class StrictError extends Error {
  override readonly name = "StrictError";
}

function decodeValue<T extends KubeObject>(
  request: ApiRequest,
  { schema }: Pick<ResourceRef, "schema">,
  { value, text: json }: Body,
): T {
  const { object, unknownFields } = kubernetesDecoder.decode<T>(schema, value);
  const mode = fieldValidationOf(request);
  if (mode === "Ignore") return object;
  // Only the text shows what stands in it twice: it is read again for those who ask for checks.
  const isAsked = request.query.has("fieldValidation");
  const duplicates = json === undefined || !isAsked ? [] : duplicateFields(json);
  if (mode === "Strict") {
    const message = strictDecodingError(unknownFields, duplicates);
    if (message !== undefined) throw new StrictError(message);
  }
  for (const path of duplicates) request.warnings.push(`duplicate field ${JSON.stringify(path)}`);
  for (const path of unknownFields) request.warnings.push(`unknown field ${JSON.stringify(path)}`);
  return object;
}

function checkType(
  value: unknown,
  ref: Pick<ResourceRef, "group" | "version" | "kind">,
): asserts value is KubeObject {
  const wanted = apiVersionOf(ref);
  const { kind = "", apiVersion = "" } = (value ?? {}) as Partial<KubeObject>;
  if (kind !== "" && kind !== ref.kind) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${ref.kind}): ` +
        `its kind is ${JSON.stringify(kind)}`,
    );
  }
  // Options are sent in the group of the kind that they are about.
  if (apiVersion !== "" && apiVersion !== wanted && ref.kind !== "DeleteOptions") {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match ` +
        `the expected API version (${wanted})`,
    );
  }
}
