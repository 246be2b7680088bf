/**
 * Reads the facts that neither the .proto files nor OpenAPI tell (which field is a pointer, which
 * is left out when empty, what its JSON name is) from the struct tags of upstream's Go modules,
 * and writes them to go-fields.json, from which `generate.ts` works. Run only when the version of
 * Kubernetes changes: `node hack/generate/go-fields.ts $(go env GOMODCACHE)/k8s.io v0.37.0`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** [protobuf number (0: none), JSON name ("" when inline), flags]. */
export type GoField = readonly [number: number, json: string, flags: string];

/** Flags: `*` pointer, `o` omitempty, `z` omitzero, `i` inline. */
const flagsOf = (type: string, options: readonly string[]): string =>
  (type.startsWith("*") ? "*" : "") +
  (options.includes("omitempty") ? "o" : "") +
  (options.includes("omitzero") ? "z" : "") +
  (options.includes("inline") ? "i" : "");

function parseField(line: string): GoField | undefined {
  const match = /^\t(?:[\w, ]+\s+)?([\w.*[\]{}]+)\s+`(.*)`/.exec(line);
  if (match === null) return undefined;
  const [, type = "", tags = ""] = match;
  const json = /json:"([^"]*)"/.exec(tags)?.[1];
  if (json === undefined) return undefined;
  const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
  const isTypeMeta = type.endsWith("TypeMeta") && number === undefined;
  if (number === undefined && !isTypeMeta) return undefined;
  const [name = "", ...options] = json.split(",");
  return [Number(number ?? 0), name, flagsOf(type, name === "" ? [...options, "inline"] : options)];
}

function parseStructs(text: string): Record<string, readonly GoField[]> {
  const structs: Record<string, readonly GoField[]> = {};
  for (const match of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)\n\}/gm)) {
    const [, name = "", body = ""] = match;
    const fields = body
      .split("\n")
      .map(parseField)
      .filter((one) => one !== undefined);
    if (fields.length > 0) structs[name] = fields;
  }
  return structs;
}

/** "k8s.io/api/core/v1" → "core.v1", as the messages of the schema are named. */
const packages = (root: string, version: string): readonly (readonly [string, string])[] => {
  const groups = readdirSync(join(root, `api@${version}`), { withFileTypes: true });
  const api = groups
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const folder = join(root, `api@${version}`, entry.name);
      return readdirSync(folder, { withFileTypes: true })
        .filter((one) => one.isDirectory() && existsSync(join(folder, one.name, "types.go")))
        .map((one) => [`${entry.name}.${one.name}`, join(folder, one.name)] as const);
    });
  const extensions = join(root, `apiextensions-apiserver@${version}`, "pkg/apis/apiextensions");
  const registration = join(root, `kube-aggregator@${version}`, "pkg/apis/apiregistration");
  const meta = join(root, `apimachinery@${version}`, "pkg/apis/meta");
  return [
    ...api,
    ["meta.v1", join(meta, "v1")],
    ["meta.v1beta1", join(meta, "v1beta1")],
    ["apiextensions.v1", join(extensions, "v1")],
    ["apiextensions.v1beta1", join(extensions, "v1beta1")],
    ["apiregistration.v1", join(registration, "v1")],
    ["apiregistration.v1beta1", join(registration, "v1beta1")],
    ["audit.v1", join(root, `apiserver@${version}`, "pkg/apis/audit/v1")],
  ];
};

function main(root: string, version: string): void {
  const lines: string[] = [];
  for (const [prefix, folder] of packages(root, version)) {
    const sources = readdirSync(folder).filter((one) => /^(?!.*_test|generated).*\.go$/.test(one));
    const structs = sources.map((one) => parseStructs(readFileSync(join(folder, one), "utf8")));
    for (const [name, fields] of Object.entries(Object.assign({}, ...structs)))
      lines.push(`  ${JSON.stringify(`${prefix}.${name}`)}: ${JSON.stringify(fields)}`);
  }
  const out = new URL("./go-fields.json", import.meta.url);
  writeFileSync(out, `{\n${lines.sort().join(",\n")}\n}\n`);
}

if (import.meta.main) main(process.argv[2] ?? "", process.argv[3] ?? "v0.37.0");
