import { UsageError } from "../../../base/flags.ts";
import type { Kubectl } from "../../command.ts";
import {
  parseEnvFile,
  parseFileSource,
  parseLiteral,
  type DataEntry,
} from "../../generate/config-data-plan.ts";

/** Where the content of a ConfigMap or Secret comes from. */
export const dataFlags = {
  "from-file": { kind: "list", help: "A file, a folder of files, or KEY=FILE" },
  "from-literal": { kind: "list", help: "KEY=VALUE" },
  "from-env-file": { kind: "list", help: "A file with lines of KEY=VALUE" },
  "append-hash": { kind: "bool", help: "Behind the name, a hash of the content" },
} as const;

export interface DataSources {
  readonly "from-file": readonly string[];
  readonly "from-literal": readonly string[];
  readonly "from-env-file": readonly string[];
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error &&
  ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof UsageError);

async function fileEntries(kubectl: Kubectl, word: string): Promise<readonly DataEntry[]> {
  const { key, path, isKeyGiven } = parseFileSource(word);
  const { files } = kubectl;
  const names = await files.list(path).catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
    throw new UsageError(`error reading ${path}: no such file or directory`);
  });
  if (names === undefined) return [{ key, value: await files.readBytes(path) }];
  if (isKeyGiven) throw new UsageError("cannot give a key name for a directory path");
  const entries: DataEntry[] = [];
  for (const name of names.toSorted()) {
    const inner = `${path.replace(/\/$/, "")}/${name}`;
    if ((await files.list(inner)) !== undefined) continue;
    entries.push({ key: name, value: await files.readBytes(inner) });
  }
  return entries;
}

async function envEntries(kubectl: Kubectl, path: string): Promise<readonly DataEntry[]> {
  const bytes = await kubectl.files.readBytes(path).catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
    throw new UsageError(`error reading ${path}: no such file or directory`);
  });
  const local = await kubectl.local();
  return parseEnvFile(new TextDecoder().decode(bytes), (name) => local.environment(name));
}

/** Everything that the flags name, literals first. */
export async function dataEntries(
  kubectl: Kubectl,
  given: DataSources,
): Promise<readonly DataEntry[]> {
  const { "from-file": paths, "from-literal": literals, "from-env-file": envFiles } = given;
  if (envFiles.length > 0 && paths.length + literals.length > 0)
    throw new UsageError("from-env-file cannot be combined with from-file or from-literal");
  const entries = literals.map(parseLiteral);
  for (const path of paths) entries.push(...(await fileEntries(kubectl, path)));
  for (const path of envFiles) entries.push(...(await envEntries(kubectl, path)));
  return entries;
}
