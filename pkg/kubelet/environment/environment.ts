/**
 * A container's environment: a pure function of its spec and of what that refers to.
 */
import type {
  ConfigMap,
  Container,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  Secret,
  Service,
} from "../../../api/core/v1.ts";
import { namespaceOf } from "../pods/pod-spec.ts";
import { expand } from "./expand.ts";
import { fieldValue, resourceValue, type DownwardFacts } from "./field-path.ts";
import { serviceVariables } from "./service-variables.ts";

export interface EnvironmentFacts extends DownwardFacts {
  /** All of them: a service of the "default" namespace is told to every pod. */
  readonly services: readonly Service[];
  /** Of the pod's namespace; undefined: there is none. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
}

/** Shown as CreateContainerConfigError: the user must change something. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Throws ConfigError where something is missing that is not optional. */
export function environment(
  container: Container,
  facts: EnvironmentFacts,
): ReadonlyMap<string, string> {
  const links = serviceVariables(
    facts.services,
    namespaceOf(facts.pod),
    facts.pod.spec.enableServiceLinks ?? true,
  );
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? [])
    for (const [name, value] of variablesFrom(source, facts)) result.set(name, value);
  const lookup = (name: string): string | undefined => result.get(name) ?? links.get(name);
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, container, facts, lookup);
    if (value !== undefined) result.set(variable.name, value);
  }
  // What the container sets itself wins.
  return new Map([...links, ...result]);
}

function valueOf(
  variable: EnvVar,
  container: Container,
  facts: EnvironmentFacts,
  lookup: (name: string) => string | undefined,
): string | undefined {
  if (variable.value !== undefined && variable.value !== "") return expand(variable.value, lookup);
  return variable.valueFrom === undefined
    ? ""
    : referredValue(variable.valueFrom, container, facts);
}

function referredValue(
  from: EnvVarSource,
  container: Container,
  facts: EnvironmentFacts,
): string | undefined {
  if (from.fieldRef !== undefined) return fieldValue(from.fieldRef, facts);
  if (from.resourceFieldRef !== undefined)
    return resourceValue(from.resourceFieldRef, container, facts);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (ref === undefined) return undefined;
  const isSecret = from.secretKeyRef !== undefined;
  const name = ref.name ?? "";
  const data = isSecret ? secretData(facts.secret(name)) : facts.configMap(name)?.data;
  if (data === undefined && ref.optional !== true) {
    const exists = isSecret ? facts.secret(name) : facts.configMap(name);
    if (exists === undefined)
      throw new ConfigError(`${isSecret ? "secret" : "configmap"} "${name}" not found`);
  }
  const value = data?.[ref.key];
  if (value !== undefined || ref.optional === true) return value;
  const kind = isSecret ? "Secret" : "ConfigMap";
  throw new ConfigError(
    `couldn't find key ${ref.key} in ${kind} ${namespaceOf(facts.pod)}/${name}`,
  );
}

const secretData = (secret: Secret | undefined): Readonly<Record<string, string>> | undefined =>
  secret?.data === undefined
    ? undefined
    : Object.fromEntries(Object.entries(secret.data).map(([key, value]) => [key, decode(value)]));

const decode = (base64: string): string => new TextDecoder().decode(Uint8Array.fromBase64(base64));

/** What the kernel takes as a name: anything printable but "=". */
const variableNamePattern = /^[ -<>-~]+$/;

function variablesFrom(
  source: EnvFromSource,
  facts: EnvironmentFacts,
): readonly (readonly [string, string])[] {
  const data = dataOf(source, facts);
  return Object.entries(data ?? {})
    .map(([key, value]) => [`${source.prefix ?? ""}${key}`, value] as const)
    .filter(([name]) => variableNamePattern.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function dataOf(
  { configMapRef, secretRef }: EnvFromSource,
  facts: EnvironmentFacts,
): Readonly<Record<string, string>> | undefined {
  if (configMapRef !== undefined) {
    const found = facts.configMap(configMapRef.name ?? "");
    if (found === undefined && configMapRef.optional !== true)
      throw new ConfigError(`configmap "${configMapRef.name}" not found`);
    return found?.data;
  }
  const found = facts.secret(secretRef?.name ?? "");
  if (found === undefined && secretRef?.optional !== true)
    throw new ConfigError(`secret "${secretRef?.name}" not found`);
  return secretData(found);
}
