/** Which resources a server has, as it says: for what must work on kinds it never heard of. */
import type { APIGroupList, APIResourceList, APIVersions } from "../../api/meta/v1.ts";
import type { ResourceRef } from "../../api/resource.ts";
import type { Client } from "./client.ts";
import { groupVersionPath } from "./request-path.ts";

export interface Discovered {
  /** Each resource once, in its group's preferred version. Subresources are listed in it. */
  readonly resources: readonly ResourceRef[];
  /** Group versions that could not be asked, and why. */
  readonly failures: readonly { readonly groupVersion: string; readonly error: unknown }[];
}

/** Asks for all groups. Rejects when not even the list of groups can be had. */
export async function discover(client: Client, signal?: AbortSignal): Promise<Discovered> {
  const [core, named] = await Promise.all([
    read<APIVersions>(client, "/api", signal),
    read<APIGroupList>(client, "/apis", signal),
  ]);
  const versions = [
    ...core.versions.map((version) => ({ group: "", version })),
    ...named.groups.flatMap(({ name, versions: all, preferredVersion }) => {
      const preferred = preferredVersion?.version;
      // The preferred version first: a resource counts where it is met first.
      return all
        .map(({ version }) => ({ group: name, version }))
        .sort(
          (one, other) => Number(other.version === preferred) - Number(one.version === preferred),
        );
    }),
  ];
  const answers = await Promise.allSettled(
    versions.map((one) => read<APIResourceList>(client, groupVersionPath(one), signal)),
  );
  const found = new Map<string, ResourceRef>();
  const failures: { groupVersion: string; error: unknown }[] = [];
  versions.forEach(({ group, version }, index) => {
    const answer = answers[index];
    if (answer?.status === "fulfilled")
      for (const ref of refsOf(answer.value, group, version)) {
        const key = `${ref.plural}.${group}`;
        if (!found.has(key)) found.set(key, ref);
      }
    else failures.push({ groupVersion: `${group}/${version}`, error: answer?.reason });
  });
  return { resources: [...found.values()], failures };
}

async function read<T>(client: Client, path: string, signal?: AbortSignal): Promise<T> {
  const bytes = await client.raw("GET", path, undefined, signal);
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}

function refsOf(list: APIResourceList, group: string, version: string): readonly ResourceRef[] {
  return list.resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => ({
      group,
      version,
      kind: resource.kind,
      plural: resource.name,
      singular: resource.singularName,
      namespaced: resource.namespaced,
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: resource.verbs,
      subresources: list.resources
        .filter(({ name }) => name.startsWith(`${resource.name}/`))
        .map((sub) => ({
          name: sub.name.slice(resource.name.length + 1),
          kind: sub.kind,
          verbs: sub.verbs,
        })),
      schema: [schemaGroup(group), version, resource.kind].join("."),
    }));
}

/** The first label of a group, as the generated schema has it. */
const schemaGroup = (group: string): string => (group === "" ? "core" : group.replace(/\..*/, ""));

export const hasVerbs = (ref: ResourceRef, ...verbs: readonly string[]): boolean =>
  verbs.every((verb) => ref.verbs.includes(verb));
