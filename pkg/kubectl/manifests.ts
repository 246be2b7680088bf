import type { KubeObject } from "../../api/resource.ts";
import { UsageError } from "../base/flags.ts";
import type { Files } from "./command.ts";

/** An object out of a manifest, and where it stood. */
export interface Manifest {
  readonly object: KubeObject & Record<string, unknown>;
  /** "nginx.yaml" or "STDIN". */
  readonly source: string;
}

/** A manifest that cannot be read: names file, line and column. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

const isManifest = (file: string): boolean => /\.(ya?ml|json)$/.test(file);

async function filesOf(path: string, recursive: boolean, files: Files): Promise<readonly string[]> {
  const names = await files.list(path);
  if (names === undefined) return [path];
  const found: string[] = [];
  for (const name of names.toSorted()) {
    const inner = `${path.replace(/\/$/, "")}/${name}`;
    const isFolder = (await files.list(inner)) !== undefined;
    if (isFolder && recursive) found.push(...(await filesOf(inner, true, files)));
    else if (!isFolder && isManifest(name)) found.push(inner);
  }
  return found;
}

const invalid = (source: string, line: number, because: string): ManifestError =>
  new ManifestError(
    `error validating "${source}": error validating data: ${because} (line ${line}); ` +
      "if you choose to ignore these errors, turn validation off with --validate=false",
  );

function checked(value: unknown, source: string, line: number): readonly Manifest[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(source, line, "invalid object to validate");
  const object = value as Manifest["object"];
  const missing = (["apiVersion", "kind"] as const)
    .filter((field) => typeof object[field] !== "string" || object[field] === "")
    .map((field) => `${field} not set`);
  if (missing.length > 0)
    throw invalid(source, line, missing.length > 1 ? `[${missing.join(", ")}]` : `${missing[0]}`);
  if (object.kind === "List" && Array.isArray(object["items"]))
    return object["items"].flatMap((item) => checked(item, source, line));
  return [{ object, source }];
}

/** Objects of one text. Throws ManifestError with the line and, in a syntax error, the column. */
export async function parseManifests(text: string, source: string): Promise<readonly Manifest[]> {
  // Loaded here: commands that read no manifest start without it.
  const { parseYaml, YamlError } = await import("../machinery/yaml.ts");
  try {
    return parseYaml(text).flatMap(({ value, line }) => checked(value, source, line));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new ManifestError(`error parsing ${source}: ${error.message}`);
  }
}

/** All objects of -f's paths, in their order. `-` is standard input; folders are read one deep. */
export async function readManifests(
  paths: readonly string[],
  recursive: boolean,
  files: Files,
): Promise<readonly Manifest[]> {
  if (paths.length === 0) throw new UsageError("must specify one of -f and -k");
  const found: Manifest[] = [];
  for (const path of paths) {
    if (path === "-") {
      found.push(...(await parseManifests(await files.stdin(), "STDIN")));
      continue;
    }
    const names = await filesOf(path, recursive, files);
    if (names.length === 0) {
      throw new UsageError(
        `error reading [${path}]: recognized file extensions are [.json .yaml .yml]`,
      );
    }
    for (const name of names)
      found.push(...(await parseManifests(await files.readText(name), name)));
  }
  return found;
}

/** As readManifests, for commands that want at least one: "apply", "create". */
export async function readSomeManifests(
  given: { readonly filename: readonly string[]; readonly recursive: boolean },
  files: Files,
  command: string,
): Promise<readonly Manifest[]> {
  const found = await readManifests(given.filename, given.recursive, files);
  if (found.length === 0) throw new UsageError(`no objects passed to ${command}`);
  return found;
}
