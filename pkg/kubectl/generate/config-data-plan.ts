/**
 * What --from-literal, --from-file and --from-env-file say, as keys and contents. Pure: files come
 * as they were read.
 */
import { UsageError } from "../../base/flags.ts";

export interface DataEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** --from-file's word: a key and the path whose content it gets. */
export interface FileSource {
  readonly key: string;
  readonly path: string;
  /** False: the key is the file's own name, or the path a folder whose files are all meant. */
  readonly isKeyGiven: boolean;
}

const baseName = (path: string): string => path.replace(/\/+$/, "").split("/").at(-1) ?? "";

export function parseFileSource(word: string): FileSource {
  if (word === "") throw new UsageError("file source cannot be empty");
  const at = word.indexOf("=");
  if (at < 0) return { key: baseName(word), path: word, isKeyGiven: false };
  if (at === 0) throw new UsageError(`key name for file path ${word.slice(1)} missing`);
  if (at === word.length - 1)
    throw new UsageError(`file path for key name ${word.slice(0, at)} missing`);
  if (word.indexOf("=", at + 1) >= 0)
    throw new UsageError("key names or file paths cannot contain '='");
  return { key: word.slice(0, at), path: word.slice(at + 1), isKeyGiven: true };
}

/** "key=value"; the value may hold anything. */
export function parseLiteral(word: string): DataEntry {
  const at = word.indexOf("=");
  if (word === "") throw new UsageError("literal source cannot be empty");
  if (at <= 0) throw new UsageError(`invalid literal source ${word}, expected key=value`);
  return { key: word.slice(0, at), value: new TextEncoder().encode(word.slice(at + 1)) };
}

const variableName = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/** Lines of NAME=VALUE; a NAME alone takes the caller's own variable, where there is one. */
export function parseEnvFile(
  text: string,
  environment: (name: string) => string | undefined,
): readonly DataEntry[] {
  const entries: DataEntry[] = [];
  for (const raw of text.replace(/^\uFEFF/, "").split("\n")) {
    const line = raw.replace(/\r$/, "").trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [key = "", ...rest] = line.split("=");
    if (!variableName.test(key)) {
      throw new UsageError(
        `"${key}" is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`,
      );
    }
    const value = rest.length > 0 ? rest.join("=") : environment(key);
    if (value !== undefined) entries.push({ key, value: new TextEncoder().encode(value) });
  }
  return entries;
}

const keyBytesMax = 253;

/** What is wrong with a key of a ConfigMap or Secret. */
export function keyProblem(key: string): string | undefined {
  if (key.length > keyBytesMax) return `must be no more than ${keyBytesMax} characters`;
  if (!/^[-._a-zA-Z0-9]+$/.test(key))
    return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  if (key === ".") return "must not be '.'";
  if (key === "..") return "must not be '..'";
  if (key.startsWith("..")) return "must not start with '..'";
  return undefined;
}

/** Keys in the order in which Go prints a map: by their bytes. */
export const byKey = <T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> =>
  Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
