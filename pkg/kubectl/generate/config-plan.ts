/** ConfigMaps and Secrets of what a command line says. Pure. */
import { UsageError } from "../../base/flags.ts";
import { formatJson } from "../../machinery/json.ts";
import { byKey, keyProblem, type DataEntry } from "./config-data-plan.ts";

type Fields = Readonly<Record<string, unknown>>;
/** An object as it is sent and printed, its fields in the order of upstream's types. */
export type Generated = Fields & {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: Fields & { readonly name: string };
};

const base64 = (bytes: Uint8Array): string => bytes.toBase64();

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const unlessEmpty = (name: string, entries: Fields): Fields =>
  Object.keys(entries).length === 0 ? {} : { [name]: entries };

/** What is no text goes under binaryData. Throws UsageError on keys that cannot be. */
export function configMap(name: string, entries: readonly DataEntry[]): Generated {
  const data = new Map<string, string>();
  const binaryData = new Map<string, string>();
  for (const { key, value } of entries) {
    const problem = keyProblem(key);
    if (problem !== undefined)
      throw new UsageError(`"${key}" is not a valid key name for a ConfigMap: ${problem}`);
    if (data.has(key) || binaryData.has(key)) {
      throw new UsageError(
        `cannot add key "${key}", another key by that name already exists in Data for ConfigMap "${name}"`,
      );
    }
    const text = textOf(value);
    if (text === undefined) binaryData.set(key, base64(value));
    else data.set(key, text);
  }
  return {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name },
    ...unlessEmpty("data", byKey(data)),
    ...unlessEmpty("binaryData", byKey(binaryData)),
  };
}

export function secret(
  name: string,
  type: string | undefined,
  entries: readonly DataEntry[],
): Generated {
  const data = new Map<string, string>();
  for (const { key, value } of entries) {
    const problem = keyProblem(key);
    if (problem !== undefined)
      throw new UsageError(`"${key}" is not valid key name for a Secret ${problem}`);
    if (data.has(key))
      throw new UsageError(`cannot add key ${key}, another key by that name already exists`);
    data.set(key, base64(value));
  }
  return {
    kind: "Secret",
    apiVersion: "v1",
    metadata: { name },
    ...unlessEmpty("data", byKey(data)),
    ...(type === undefined || type === "" ? {} : { type }),
  };
}

export interface RegistryLogin {
  readonly server: string;
  readonly username: string;
  readonly password: string;
  readonly email: string | undefined;
}

/** What a container engine keeps in ~/.docker/config.json. */
export function dockerConfigJson({ server, username, password, email }: RegistryLogin): string {
  const auth = base64(new TextEncoder().encode(`${username}:${password}`));
  const entry = { username, password, ...(email ? { email } : {}), auth };
  return formatJson({ auths: { [server]: entry } }, 0);
}

/** The digits of a digest that read as words, or as numbers, are others in a name. */
const letters: Readonly<Record<string, string>> = { 0: "g", 1: "h", 3: "k", a: "m", e: "t" };
const hashCharacters = 10;

/** Name and content decide the suffix: another content is another object. */
export async function withHashedName(object: Generated): Promise<Generated> {
  const { kind, metadata } = object;
  const { data = kind === "ConfigMap" ? "" : {}, binaryData, type = "" } = object;
  const identity = {
    ...(binaryData === undefined ? {} : { binaryData }),
    data,
    kind,
    name: metadata.name,
    ...(kind === "Secret" ? { type } : {}),
  };
  const bytes = new TextEncoder().encode(formatJson(identity, 0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const suffix = digest
    .slice(0, hashCharacters)
    .replaceAll(/[013ae]/g, (digit) => letters[digit] ?? digit);
  return { ...object, metadata: { ...metadata, name: `${metadata.name}-${suffix}` } };
}
