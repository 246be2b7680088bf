/** api/resources.ts: one value for each GA resource that upstream's discovery lists. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isPublished } from "./emit-types.ts";
import type { Model } from "./model.ts";
import { head, importTypes, list, type Files } from "./output.ts";

interface ApiResource {
  readonly kind: string;
  readonly name: string;
  readonly namespaced: boolean;
  readonly singularName: string;
  readonly storageVersionHash?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
}
interface GroupVersion {
  readonly group: string;
  readonly version: string;
  /** The group's first label; "core" for the core group. */
  readonly folder: string;
  readonly resources: readonly ApiResource[];
}

function readDiscovery(source: string): readonly GroupVersion[] {
  const folder = join(source, "discovery");
  return readdirSync(folder)
    .filter((name) => /^(api__v1|apis__.*__v\d+)\.json$/.test(name))
    .sort()
    .map((name) => {
      const document = JSON.parse(readFileSync(join(folder, name), "utf8"));
      const [group, version] = ["", ...document.groupVersion.split("/")].slice(-2);
      const label = group === "" ? "core" : group.split(".")[0];
      return { group, version, folder: label, resources: document.resources };
    });
}

const strings = (values: readonly string[] = []): readonly string[] =>
  values.map((value) => JSON.stringify(value));

/** "configmaps" and "ConfigMap" → "configMaps": the plural in the spelling of the kind. */
export function constantName({ kind, name }: Pick<ApiResource, "kind" | "name">): string {
  const shared = Math.max(
    ...[0, 1, 2, 3]
      .map((cut) => kind.length - cut)
      .filter((length) => name.startsWith(kind.slice(0, length).toLowerCase())),
  );
  const spelled = `${kind.slice(0, shared)}${name.slice(shared)}`;
  const acronym = /^[A-Z]+(?=[A-Z][a-z]|$)/.exec(spelled)?.[0] ?? spelled.slice(0, 1);
  return acronym.toLowerCase() + spelled.slice(acronym.length);
}

function subresource(resource: ApiResource): string {
  const [, ...rest] = resource.name.split("/");
  const from =
    resource.version === undefined
      ? []
      : [`group: ${JSON.stringify(resource.group ?? "")}`, `version: "${resource.version}"`];
  const start = [`name: "${rest.join("/")}"`, `kind: "${resource.kind}"`, ...from];
  const short = `      { ${[...start, `verbs: [${strings(resource.verbs).join(", ")}]`].join(", ")} },\n`;
  if (short.length <= 101) return short;
  const verbs = list(strings(resource.verbs), 15, "        ");
  return `      {\n${[...start, `verbs: ${verbs}`].map((one) => `        ${one},\n`).join("")}      },\n`;
}

/** An array of objects: on one line where it fits, as the formatter would have it. */
function subresources(all: readonly ApiResource[]): string {
  if (all.length === 0) return "[]";
  const lines = all.map(subresource);
  const only = lines.length === 1 ? (lines[0] ?? "").trim().replace(/,$/, "") : "";
  const short = `  subresources: [${only}],`;
  if (only !== "" && !only.includes("\n") && short.length <= 100) return `[${only}]`;
  return `[\n${lines.join("").replaceAll(/^ {2}/gm, "")}  ]`;
}

function constant(name: string, type: string, from: GroupVersion, resource: ApiResource): string {
  const below = from.resources.filter((one) => one.name.startsWith(`${resource.name}/`));
  const field = (key: string, values: readonly string[]): string =>
    `  ${key}: ${list(values, key.length + 4, "  ")},\n`;
  const hash = resource.storageVersionHash;
  return [
    `export const ${name}: ResourceRef<${type}> = {\n`,
    `  group: "${from.group}",\n  version: "${from.version}",\n  kind: "${resource.kind}",\n`,
    `  plural: "${resource.name}",\n  singular: "${resource.singularName}",\n`,
    `  namespaced: ${resource.namespaced},\n`,
    field("shortNames", strings(resource.shortNames)),
    field("categories", strings(resource.categories)),
    field("verbs", strings(resource.verbs)),
    `  subresources: ${subresources(below)},\n`,
    `  schema: "${from.folder}.${from.version}.${resource.kind}",\n`,
    hash === undefined ? "" : `  storageVersionHash: "${hash}",\n`,
    "};\n",
  ].join("");
}

const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/**
 * Two groups hold events, and two versions autoscalers: the newer or smaller says so in its name.
 */
const renamed: Readonly<Record<string, string>> = {
  "events.v1.Event": "eventsV1",
  "autoscaling.v1.HorizontalPodAutoscaler": "horizontalPodAutoscalersV1",
};

export function emitResources(source: string, model: Model, files: Files): void {
  const constants: string[] = [];
  const names: string[] = [];
  const imports = new Map<string, Set<string>>();
  for (const from of readDiscovery(source)) {
    const group = `${from.folder}.${from.version}`;
    for (const resource of from.resources) {
      const key = `${group}.${resource.kind}`;
      if (resource.name.includes("/") || !isPublished(group) || !model.has(key)) continue;
      const again = renamed[key];
      const alias = `${capitalised(from.folder)}${capitalised(from.version)}${resource.kind}`;
      const type = again === undefined ? resource.kind : `${resource.kind} as ${alias}`;
      const path = `./${from.folder}/${from.version}.ts`;
      imports.set(path, (imports.get(path) ?? new Set()).add(type));
      const name = again ?? constantName(resource);
      names.push(name);
      constants.push(constant(name, again === undefined ? resource.kind : alias, from, resource));
    }
  }
  const text = [
    `${head}\n${[...imports].map(([path, types]) => importTypes(types, path)).join("\n")}`,
    'import type { ResourceRef } from "./resource.ts";\n',
  ].join("\n");
  const all = `export const allResources: readonly ResourceRef[] = [\n${names.map((one) => `  ${one},\n`).join("")}];\n`;
  files.set("api/resources.ts", `${text}\n${constants.join("\n")}\n${all}`);
}
