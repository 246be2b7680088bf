/** What a list or a watch asks for, read from the query. Pure: every refusal is upstream's. */
import {
  describeFieldError,
  type FieldError,
  forbidden,
  invalid,
} from "../../machinery/field-error.ts";
import { badRequest, invalidObject } from "../refusals.ts";

export interface ListOptions {
  /** 0: all. */
  readonly limit: number;
  /** "" for a first page. */
  readonly continueFrom: string;
  /** Undefined: the newest; 0: whatever there is. */
  readonly resourceVersion: number | undefined;
  readonly match: "" | "Exact" | "NotOlderThan";
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export interface WatchOptions {
  /** Undefined: begin with what there is now, newest; 0: with what the cache has. */
  readonly resourceVersion: number | undefined;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly allowsBookmarks: boolean;
  readonly sendsInitialEvents: boolean | undefined;
  /** Undefined: the server's choice. */
  readonly timeoutSeconds: number | undefined;
}

const isTrue = (text: string | null): boolean => text === "true" || text === "1" || text === "";

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`invalid value for ${name}: ${JSON.stringify(text)} is not a whole number`);
  }
  return value;
}

/** "" and absent are the same; anything but decimal digits is refused. */
export function parseResourceVersion(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  const why = describeFieldError(invalid("resourceVersion", text, "must be a whole number"));
  throw badRequest(`invalid resource version: resourceVersion: ${why}`);
}

const invalidOptions = (errors: readonly FieldError[]) =>
  invalidObject({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);

export function parseListOptions(query: URLSearchParams): ListOptions {
  const match = query.get("resourceVersionMatch") ?? "";
  const resourceVersion = parseResourceVersion(query.get("resourceVersion"));
  const continueFrom = query.get("continue") ?? "";
  const errors = matchProblems(match, resourceVersion, continueFrom);
  if (query.has("sendInitialEvents")) {
    errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  if (errors.length > 0) throw invalidOptions(errors);
  if (continueFrom !== "" && resourceVersion !== undefined && resourceVersion !== 0) {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  return {
    limit: Math.max(0, integer(query, "limit") ?? 0),
    continueFrom,
    resourceVersion,
    match: match as ListOptions["match"],
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
  };
}

function matchProblems(
  match: string,
  resourceVersion: number | undefined,
  continueFrom: string,
): FieldError[] {
  if (match === "") return [];
  const path = "resourceVersionMatch";
  if (match !== "Exact" && match !== "NotOlderThan") {
    return [
      {
        type: "FieldValueNotSupported",
        path,
        value: match,
        detail: 'supported values: "Exact", "NotOlderThan"',
      },
    ];
  }
  if (resourceVersion === undefined) {
    return [forbidden(path, `${path} is forbidden unless resourceVersion is provided`)];
  }
  if (continueFrom !== "") {
    return [forbidden(path, `${path} is forbidden when continue is provided`)];
  }
  if (match === "Exact" && resourceVersion === 0) {
    return [forbidden(path, `${path} "Exact" is forbidden for resourceVersion "0"`)];
  }
  return [];
}

export function parseWatchOptions(query: URLSearchParams): WatchOptions {
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.get("sendInitialEvents");
  const errors: FieldError[] = [];
  if (match !== "" && initial === null) {
    const why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
    errors.push(forbidden("resourceVersionMatch", why));
  }
  if (initial !== null && match !== "NotOlderThan") {
    const why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    errors.push(forbidden("resourceVersionMatch", why));
  }
  if (errors.length > 0) throw invalidOptions(errors);
  const timeoutSeconds = integer(query, "timeoutSeconds");
  return {
    resourceVersion: parseResourceVersion(query.get("resourceVersion")),
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    allowsBookmarks: query.has("allowWatchBookmarks") && isTrue(query.get("allowWatchBookmarks")),
    sendsInitialEvents: initial === null ? undefined : isTrue(initial),
    timeoutSeconds:
      timeoutSeconds === undefined || timeoutSeconds <= 0 ? undefined : timeoutSeconds,
  };
}
