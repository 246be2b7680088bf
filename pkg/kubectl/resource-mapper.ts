import type { KubeObject } from "../../api/resource.ts";
import { UsageError } from "../base/flags.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Api } from "./api.ts";

/** A resource as the server's discovery tells it. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

export const apiVersionOf = ({ group, version }: ApiResource): string =>
  group === "" ? version : `${group}/${version}`;

/** "deployments.apps", or "pods" in the core group: how messages name a resource. */
export const qualifiedName = ({ group, plural }: ApiResource): string =>
  group === "" ? plural : `${plural}.${group}`;

/** "deployment.apps": how results name a kind, as in deployment.apps/web created. */
export const qualifiedKind = ({ group, singular }: ApiResource): string =>
  group === "" ? singular : `${singular}.${group}`;

/** Path of a resource's collection, or of one object and one of its subresources. */
export function pathOf(
  resource: ApiResource,
  at: { readonly namespace?: string; readonly name?: string; readonly subresource?: string } = {},
): string {
  const root =
    resource.group === ""
      ? `/api/${resource.version}`
      : `/apis/${resource.group}/${resource.version}`;
  const inNamespace = resource.namespaced && at.namespace !== undefined;
  return [
    root,
    ...(inNamespace ? ["namespaces", encodeURIComponent(at.namespace ?? "")] : []),
    resource.plural,
    ...(at.name === undefined ? [] : [encodeURIComponent(at.name)]),
    ...(at.subresource === undefined ? [] : [at.subresource]),
  ].join("/");
}

/** Aggregated discovery, as far as it is read here (apidiscovery.k8s.io/v2). */
interface Discovery {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope: string;
        readonly singularResource?: string;
        readonly verbs: readonly string[];
        readonly shortNames?: readonly string[];
        readonly categories?: readonly string[];
        readonly subresources?: readonly { readonly subresource: string }[];
      }[];
    }[];
  }[];
}

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const resourcesOf = (discovery: Discovery): readonly ApiResource[] =>
  (discovery.items ?? []).flatMap((group) =>
    (group.versions ?? []).flatMap(({ version, resources }) =>
      (resources ?? []).map((one) => ({
        group: group.metadata?.name ?? "",
        version,
        kind: one.responseKind?.kind ?? "",
        plural: one.resource,
        singular: one.singularResource ?? one.resource,
        shortNames: one.shortNames ?? [],
        categories: one.categories ?? [],
        namespaced: one.scope === "Namespaced",
        verbs: one.verbs,
        subresources: (one.subresources ?? []).map((sub) => sub.subresource),
      })),
    ),
  );

/** Finds resources by all the names that people use for them. */
export class ResourceMapper {
  readonly resources: readonly ApiResource[];

  constructor(resources: readonly ApiResource[]) {
    this.resources = resources;
  }

  static async discover(api: Api, signal?: AbortSignal): Promise<ResourceMapper> {
    const accept = `${aggregated},application/json`;
    const read = (path: string): Promise<Discovery> =>
      api.send<Discovery>({ method: "GET", path, accept }, signal);
    // One behind the other: a second connection would cost more than it saves.
    const core = await read("/api");
    return new ResourceMapper([core, await read("/apis")].flatMap(resourcesOf));
  }

  /** "po", "pods", "Pod", "deployments.apps", "deployments.v1.apps". Throws when there is none. */
  byName(text: string): ApiResource {
    const found = this.find(text);
    if (found !== undefined) return found;
    throw new StatusError("NotFound", `the server doesn't have a resource type "${text}"`);
  }

  find(text: string): ApiResource | undefined {
    const [name = "", ...qualifier] = text.toLowerCase().split(".");
    const where = qualifier.join(".");
    const isAsked = (one: ApiResource): boolean =>
      where === "" ||
      where === one.group ||
      where === `${one.version}.${one.group}` ||
      (one.group === "" && where === one.version);
    const answersTo = (one: ApiResource): boolean =>
      [one.plural, one.singular, one.kind.toLowerCase(), ...one.shortNames].includes(name);
    return this.resources.find((one) => isAsked(one) && answersTo(one));
  }

  /** Of a manifest's apiVersion and kind. Throws UsageError when the server has no such kind. */
  ofManifest({ apiVersion = "", kind = "" }: KubeObject): ApiResource {
    const found = this.byKind(apiVersion, kind);
    if (found !== undefined) return found;
    throw new UsageError(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }

  byKind(apiVersion: string, kind: string): ApiResource | undefined {
    return this.resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  }

  inCategory(category: string): readonly ApiResource[] {
    return this.resources.filter((one) => one.categories.includes(category));
  }
}
