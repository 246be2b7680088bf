import type { KubeObject } from "../../../api/resource.ts";
import { ManyFailures } from "../failures.ts";
import type { Kubectl } from "../command.ts";
import { objectPrinter, type ObjectPrinter } from "../print/output.ts";
import { sortByPath } from "../print/sort-by-path.ts";
import { qualifiedKind, type ApiResource } from "../resource-mapper.ts";
import { fetchPages, Missing, objectsOf, type Asked } from "./fetch.ts";
import type { GetFlags } from "./get-flags.ts";
import { watchAsked } from "./watch.ts";

const json = { accept: "application/json" };

/** get -o json, yaml, name, jsonpath, custom-columns. */
export async function printObjects(
  kubectl: Kubectl,
  asked: readonly Asked[],
  given: GetFlags,
): Promise<number> {
  const names = new WeakMap<object, string>();
  const named = (object: KubeObject, resource: ApiResource): KubeObject => {
    names.set(object, `${qualifiedKind(resource)}/${object.metadata?.name ?? ""}`);
    return object;
  };
  const printer = objectPrinter(given.output, (object) => names.get(object as object) ?? "", {
    showManagedFields: given["show-managed-fields"],
    noHeaders: given["no-headers"],
  });
  if (printer === undefined) return 0;
  const found: KubeObject[] = [];
  const missing = new Missing();
  let resourceVersion: string | undefined;
  for (const one of given["watch-only"] ? [] : asked) {
    const fetched = fetchPages<KubeObject & { metadata?: { continue?: string } }>(
      kubectl,
      one,
      given,
      json,
    );
    const pages = (await missing.unlessMissing(given, fetched)) ?? [];
    resourceVersion = pages.at(-1)?.metadata?.resourceVersion;
    const { resource } = one.target;
    found.push(...objectsOf(pages, resource).map((object) => named(object, resource)));
  }
  const [first] = asked;
  const isOne = asked.length === 1 && first?.target.name !== undefined;
  const sorted = sortByPath(found, given["sort-by"], (object) => object);
  const isWatch = given.watch || given["watch-only"];
  await print(kubectl, printer, { objects: sorted, isOne, isWatch });
  if (isWatch && first !== undefined) {
    const { accept } = json;
    for await (const { object } of watchAsked(kubectl, first, given, { resourceVersion, accept }))
      kubectl.terminal.out(await printer(named(object as KubeObject, first.target.resource)));
  }
  if (missing.errors.length > 0) throw new ManyFailures(missing.errors);
  return 0;
}

interface Found {
  readonly objects: readonly KubeObject[];
  readonly isOne: boolean;
  readonly isWatch: boolean;
}

async function print(
  { terminal }: Kubectl,
  printer: ObjectPrinter,
  { objects, isOne, isWatch }: Found,
): Promise<void> {
  if (isWatch) {
    for (const object of objects) terminal.out(await printer(object));
    return;
  }
  if (isOne && objects.length === 0) return;
  const list = {
    apiVersion: "v1",
    items: objects,
    kind: "List",
    metadata: { resourceVersion: "" },
  };
  terminal.out(await printer(isOne ? objects[0] : list));
}
