import { UsageError } from "../base/flags.ts";
import { readManifests } from "./manifests.ts";
import type { Kubectl } from "./command.ts";
import { parseTargets } from "./resource-args.ts";
import { pathOf, type ApiResource } from "./resource-mapper.ts";

/** One object that a command acts on. */
export interface ObjectTarget {
  readonly resource: ApiResource;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** The file that named it. */
  readonly source?: string;
}

export interface ObjectChoice {
  readonly filename: readonly string[];
  readonly recursive: boolean;
  readonly selector: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly all: boolean;
  readonly allNamespaces: boolean;
  /** What is said when neither files nor words name anything. */
  readonly whenNothing?: string;
}

const nothingNamed = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

interface ItemList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
  }[];
}

/** Objects of -f, of TYPE NAME, or found by selector or --all. */
export async function chooseObjects(
  kubectl: Kubectl,
  args: readonly string[],
  choice: ObjectChoice,
): Promise<readonly ObjectTarget[]> {
  const mapper = await kubectl.mapper(choice.filename.length > 0 ? undefined : args);
  const target = (resource: ApiResource, name: string, namespace: string): ObjectTarget => ({
    resource,
    name,
    namespace,
    path: pathOf(resource, { namespace, name }),
  });
  if (choice.filename.length > 0) {
    const manifests = await readManifests(choice.filename, choice.recursive, kubectl.files);
    return manifests.map(({ object, source }) => {
      const namespace = object.metadata?.namespace ?? kubectl.namespace;
      const found = target(mapper.ofManifest(object), object.metadata?.name ?? "", namespace);
      return { ...found, source };
    });
  }
  if (args.length === 0) throw new UsageError(choice.whenNothing ?? nothingNamed);
  const chosen: ObjectTarget[] = [];
  for (const { resource, name } of parseTargets(args, mapper)) {
    if (name !== undefined) {
      if (choice.selector !== undefined)
        throw new UsageError("name cannot be provided when a selector is specified");
      chosen.push(target(resource, name, kubectl.namespace));
      continue;
    }
    if (choice.selector === undefined && choice.fieldSelector === undefined && !choice.all) {
      throw new UsageError("resource(s) were provided, but no name was specified");
    }
    const query = new URLSearchParams();
    if (choice.selector !== undefined) query.set("labelSelector", choice.selector);
    if (choice.fieldSelector !== undefined) query.set("fieldSelector", choice.fieldSelector);
    const collection = pathOf(
      resource,
      choice.allNamespaces ? {} : { namespace: kubectl.namespace },
    );
    const list = await kubectl.api.send<ItemList>({
      method: "GET",
      path: `${collection}?${query}`,
    });
    for (const { metadata } of list.items ?? []) {
      chosen.push(target(resource, metadata?.name ?? "", metadata?.namespace ?? kubectl.namespace));
    }
  }
  return chosen;
}
