import type { KubeObject } from "../../../api/resource.ts";
import { UsageError } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { Kubectl } from "../command.ts";
import { listFailure } from "../failures.ts";
import { readManifests } from "../manifests.ts";
import { parseTargets, type Target } from "../resource-args.ts";
import { apiVersionOf, pathOf, type ApiResource } from "../resource-mapper.ts";
import type { GetFlags } from "./get-flags.ts";

/** One thing to fetch: an object, or a resource's whole collection. */
export interface Asked {
  readonly target: Target;
  readonly path: string;
}

const pageItems = 500;

/** What the command line or the files name. */
export async function askedOf(
  kubectl: Kubectl,
  given: GetFlags,
  args: readonly string[],
): Promise<readonly Asked[]> {
  const mapper = await kubectl.mapper(given.filename.length > 0 ? undefined : args);
  if (given.filename.length > 0) {
    const manifests = await readManifests(given.filename, given.recursive, kubectl.files);
    return manifests.map(({ object }) => {
      const resource = mapper.ofManifest(object);
      const name = object.metadata?.name ?? "";
      const at = { namespace: object.metadata?.namespace ?? kubectl.namespace, name };
      return { target: { resource, name }, path: pathOf(resource, at) };
    });
  }
  const namespace = given["all-namespaces"] ? {} : { namespace: kubectl.namespace };
  return parseTargets(args, mapper).map((target) => {
    const { resource, name } = target;
    if (name !== undefined && given.selector !== undefined)
      throw new UsageError("name cannot be provided when a selector is specified");
    if (name !== undefined && given["all-namespaces"])
      throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    const at = { ...namespace, ...(name === undefined ? {} : { name }) };
    return { target, path: pathOf(resource, at) };
  });
}

/** The query of a request for it, with what else is asked. */
export function queryOf(given: GetFlags, target: Target, extra: Record<string, string>): string {
  const query = new URLSearchParams(extra);
  if (target.name === undefined && given.selector !== undefined)
    query.set("labelSelector", given.selector);
  if (target.name === undefined && given["field-selector"] !== undefined)
    query.set("fieldSelector", given["field-selector"]);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export interface FetchOptions {
  readonly accept: string;
  readonly extra?: Record<string, string>;
}

/** All pages of a list, or one object. */
export async function fetchPages<T extends { metadata?: { continue?: string } }>(
  kubectl: Kubectl,
  { target, path }: Asked,
  given: GetFlags,
  { accept, extra = {} }: FetchOptions,
): Promise<readonly T[]> {
  const answers: T[] = [];
  const limit = given["chunk-size"] ?? pageItems;
  const isList = target.name === undefined;
  const paging = { ...extra, ...(isList && limit > 0 ? { limit: `${limit}` } : {}) };
  for (let next: string | undefined = ""; next !== undefined;) {
    const query = queryOf(given, target, next === "" ? paging : { ...paging, continue: next });
    const answer: T = await kubectl.api
      .send<T>({ method: "GET", path: path + query, accept })
      .catch((error: unknown) => {
        throw isList ? listFailure(error, target.resource, given) : error;
      });
    answers.push(answer);
    next = answer.metadata?.continue || undefined;
  }
  return answers;
}

interface ObjectList {
  readonly items?: readonly KubeObject[];
}

/** Items of a list carry no kind on the wire; a printed object does. */
export function objectsOf(
  answers: readonly (KubeObject | ObjectList)[],
  resource: ApiResource,
): readonly KubeObject[] {
  return answers.flatMap((answer) => {
    const items = (answer as ObjectList).items;
    if (!Array.isArray(items)) return [answer as KubeObject];
    const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    return items.map((item: KubeObject) => ({ ...identity, ...item }));
  });
}

/** Collects what is not there, to be told behind what is. Other failures end the command. */
export class Missing {
  readonly errors: Error[] = [];

  async unlessMissing<T>(given: GetFlags, fetched: Promise<T>): Promise<T | undefined> {
    return fetched.catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
      if (!given["ignore-not-found"]) this.errors.push(error);
      return undefined;
    });
  }
}
