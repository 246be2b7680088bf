/** JSON Patch (RFC 6902) over plain JSON. Pure: the document is never changed in place. */
import { isEqual } from "./equality.ts";

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  /** JSON Pointer (RFC 6901): "/spec/containers/0/image", "~1" for "/", "~0" for "~". */
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** A patch that is no patch, or that does not fit the document: the server answers Invalid. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/** What upstream allows; more is refused as RequestEntityTooLarge. */
export const jsonPatchOperationsMax = 10_000;

type Container = Record<string, unknown> | unknown[];

const isContainer = (value: unknown): value is Container =>
  typeof value === "object" && value !== null;

const isFields = (value: unknown): value is Record<string, unknown> =>
  isContainer(value) && !Array.isArray(value);

function parsePointer(pointer: string): readonly string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/"))
    throw new PatchError(`JSON pointer must be empty or start with a "/": ${pointer}`);
  return pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const missing = (op: string, pointer: string): PatchError =>
  new PatchError(`jsonpatch ${op} operation does not apply: doc is missing path: ${pointer}`);

function indexOf(list: readonly unknown[], part: string, op: string, pointer: string): number {
  if (!/^(0|[1-9]\d*)$/.test(part) || Number(part) >= list.length) throw missing(op, pointer);
  return Number(part);
}

function get(document: unknown, pointer: string, op: string): unknown {
  let value = document;
  for (const part of parsePointer(pointer)) {
    if (Array.isArray(value)) value = value[indexOf(value, part, op, pointer)];
    else if (isFields(value) && Object.hasOwn(value, part)) value = value[part];
    else throw missing(op, pointer);
  }
  return value;
}

/** A copy of the containers on the way, with `change` applied to the last one. */
function changeAt(
  document: unknown,
  pointer: string,
  op: string,
  change: (container: Container, part: string) => void,
): unknown {
  const parts = parsePointer(pointer);
  const walk = (value: unknown, depth: number): unknown => {
    if (!isContainer(value)) throw missing(op, pointer);
    const copy = Array.isArray(value) ? [...value] : { ...value };
    const part = parts[depth] ?? "";
    if (depth === parts.length - 1) change(copy, part);
    else if (Array.isArray(copy)) {
      const index = indexOf(copy, part, op, pointer);
      copy[index] = walk(copy[index], depth + 1);
    } else if (Object.hasOwn(copy, part)) setOwn(copy, part, walk(copy[part], depth + 1));
    else throw missing(op, pointer);
    return copy;
  };
  return walk(document, 0);
}

function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function add(document: unknown, pointer: string, value: unknown, op: string): unknown {
  if (pointer === "") return value;
  return changeAt(document, pointer, op, (container, part) => {
    if (!Array.isArray(container)) setOwn(container, part, value);
    else if (part === "-") container.push(value);
    else if (part === String(container.length)) container.push(value);
    else container.splice(indexOf(container, part, op, pointer), 0, value);
  });
}

const remove = (document: unknown, pointer: string, op: string): unknown =>
  changeAt(document, pointer, op, (container, part) => {
    if (Array.isArray(container)) container.splice(indexOf(container, part, op, pointer), 1);
    else if (Object.hasOwn(container, part)) delete container[part];
    else throw missing(op, pointer);
  });

function replace(document: unknown, pointer: string, value: unknown): unknown {
  if (pointer === "") return value;
  return changeAt(document, pointer, "replace", (container, part) => {
    if (Array.isArray(container)) container[indexOf(container, part, "replace", pointer)] = value;
    else if (Object.hasOwn(container, part)) setOwn(container, part, value);
    else throw missing("replace", pointer);
  });
}

function applyOne(document: unknown, operation: JsonPatchOperation): unknown {
  const { op, path, from = "", value } = operation;
  switch (op) {
    case "add":
      return add(document, path, value, op);
    case "remove":
      return remove(document, path, op);
    case "replace":
      return replace(document, path, value);
    case "move":
      return add(remove(document, from, op), path, get(document, from, op), op);
    case "copy":
      return add(document, path, structuredClone(get(document, from, op)), op);
    case "test":
      if (isEqual(get(document, path, op), value)) return document;
      throw new PatchError(`testing value ${path} failed: test failed`);
    default:
      throw new PatchError(`Unexpected kind: ${String(op)}`);
  }
}

function isOperation(value: unknown): value is JsonPatchOperation {
  if (typeof value !== "object" || value === null) return false;
  const { op, path } = value as Record<string, unknown>;
  return typeof op === "string" && typeof path === "string";
}

/** All operations or none: throws PatchError. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new PatchError("a JSON patch is a list of operations");
  return patch.reduce<unknown>((value, operation) => {
    if (!isOperation(operation)) throw new PatchError("an operation needs op and path");
    return applyOne(value, operation);
  }, document);
}
