/** May the caller do this? Refusals say who tried what, as upstream's do. */
import { FieldSelectorError, parseFieldSelector } from "../../machinery/field-selector.ts";
import { pathSegmentComplaints } from "../../machinery/names.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { Attributes, Authorize } from "../auth-contract.ts";
import type { ApiFilter, ApiRequest } from "../api-request.ts";
import { qualified } from "../refusals.ts";

const selecting: ReadonlySet<string> = new Set(["list", "watch", "deletecollection"]);

export function attributesOf({ info, user, query }: ApiRequest): Attributes {
  const fieldSelector = selecting.has(info.verb) ? query.get("fieldSelector") : null;
  const labelSelector = selecting.has(info.verb) ? query.get("labelSelector") : null;
  // A list or watch of one object is about that object, as far as rights go.
  const name = info.verb === "list" || info.verb === "watch" ? nameIn(fieldSelector) : "";
  return {
    user,
    verb: info.verb,
    resourceRequest: info.resourceRequest,
    path: info.path,
    apiGroup: info.group,
    apiVersion: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name === "" ? name : info.name,
    ...(fieldSelector === null ? {} : { fieldSelector }),
    ...(labelSelector === null ? {} : { labelSelector }),
  };
}

/** The name that metadata.name=x selects; "" where it is no single one. */
function nameIn(fieldSelector: string | null): string {
  if (fieldSelector === null || !fieldSelector.includes("metadata.name")) return "";
  try {
    const named = parseFieldSelector(fieldSelector).find(
      ({ field, operator }) => field === "metadata.name" && operator === "=",
    );
    return pathSegmentComplaints(named?.value ?? "").length === 0 ? (named?.value ?? "") : "";
  } catch (error) {
    // Said to the caller where the list is made.
    if (error instanceof FieldSelectorError) return "";
    throw error;
  }
}

/** `User "a" cannot list resource "pods" in API group "" in the namespace "b"` and the reason. */
export function describeAttempt(attributes: Attributes, reason: string): string {
  const { user, verb, resource, subresource, apiGroup, namespace, name, path } = attributes;
  const because = reason === "" ? "" : `: ${reason}`;
  if (!attributes.resourceRequest) {
    const who = JSON.stringify(user.name);
    return `forbidden: User ${who} cannot ${verb} path ${JSON.stringify(path)}${because}`;
  }
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where =
    namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const which = qualified({ group: apiGroup, plural: resource });
  const named = name === "" ? which : `${which} ${JSON.stringify(name)}`;
  return (
    `${named} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ` +
    `${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${where}${because}`
  );
}

export const withAuthorization =
  (authorize: Authorize): ApiFilter =>
  (next) =>
  async (request) => {
    const attributes = attributesOf(request);
    const { allowed, reason } = await authorize(attributes, request.signal);
    if (allowed) return next(request);
    const { name, apiGroup, resource } = attributes;
    throw new StatusError(
      "Forbidden",
      describeAttempt(attributes, reason),
      attributes.resourceRequest
        ? {
            ...(name === "" ? {} : { name }),
            ...(apiGroup === "" ? {} : { group: apiGroup }),
            kind: resource,
          }
        : {},
    );
  };
