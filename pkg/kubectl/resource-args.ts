import { UsageError } from "../base/flags.ts";
import type { ApiResource, ResourceMapper } from "./resource-mapper.ts";

/** What a command line names: a whole resource, or objects of it by name. */
export interface Target {
  readonly resource: ApiResource;
  /** Absent: all objects of the resource. */
  readonly name?: string;
}

function resourcesOf(words: string, mapper: ResourceMapper): readonly ApiResource[] {
  return words.split(",").flatMap((word) => {
    const category = mapper.inCategory(word);
    return category.length > 0 ? category : [mapper.byName(word)];
  });
}

/**
 * `pods`, `pods a b`, `pods,services`, `pod/a service/b`, `all`: kubectl's ways to name things.
 * Throws UsageError when forms are mixed, NotFound for an unknown resource.
 */
export function parseTargets(args: readonly string[], mapper: ResourceMapper): readonly Target[] {
  const [first, ...names] = args;
  if (first === undefined) {
    throw new UsageError(
      'You must specify the type of resource to get. Use "tskubectl api-resources" for a complete list of supported resources.',
    );
  }
  if (args.some((word) => word.includes("/"))) {
    return args.map((word) => {
      const [type = "", name = "", ...more] = word.split("/");
      if (type === "" || name === "" || more.length > 0) {
        throw new UsageError(
          `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'tskubectl get resource/<resource_name>' instead of 'tskubectl get resource resource/<resource_name>'`,
        );
      }
      return { resource: mapper.byName(type), name };
    });
  }
  const resources = resourcesOf(first, mapper);
  if (names.length === 0) return resources.map((resource) => ({ resource }));
  return resources.flatMap((resource) => names.map((name) => ({ resource, name })));
}

/** As parseTargets, for commands that act on named objects only. */
export function parseNamedTargets(
  args: readonly string[],
  mapper: ResourceMapper,
): readonly (Target & { readonly name: string })[] {
  return parseTargets(args, mapper).map(({ resource, name }) => {
    if (name === undefined) {
      throw new UsageError(`resource(s) were provided, but no name was specified`);
    }
    return { resource, name };
  });
}
