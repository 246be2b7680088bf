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

function checked(value: unknown, source: string): readonly Manifest[] {
  if (value === null || value === undefined) return [];
  const object = value as Manifest["object"];
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new ManifestError(
      `error parsing ${source}: a manifest is a mapping with apiVersion and kind`,
    );
  }
  for (const field of ["apiVersion", "kind"] as const) {
    if (typeof object[field] === "string" && object[field] !== "") continue;
    throw new ManifestError(
      `error validating "${source}": error validating data: ${field} not set`,
    );
  }
  if (object.kind === "List" && Array.isArray(object["items"])) {
    return object["items"].flatMap((item) => checked(item, source));
  }
  return [{ object, source }];
}

async function parse(text: string, source: string): Promise<readonly Manifest[]> {
  // Loaded here: commands that read no manifest start without it.
  const { LineCounter, parseAllDocuments } = await import("yaml");
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lines.linePos(problem.pos[0]);
      throw new ManifestError(
        `error parsing ${source}: line ${line}, column ${col}: ${problem.message}`,
      );
    }
    return checked(document.toJS(), source);
  });
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
      found.push(...(await parse(await files.stdin(), "STDIN")));
      continue;
    }
    const names = await filesOf(path, recursive, files);
    if (names.length === 0) {
      throw new UsageError(
        `error reading [${path}]: recognized file extensions are [.json .yaml .yml]`,
      );
    }
    for (const name of names) found.push(...(await parse(await files.readText(name), name)));
  }
  if (found.length === 0) throw new UsageError("no objects passed to apply");
  return found;
}
