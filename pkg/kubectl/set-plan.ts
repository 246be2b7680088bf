/**
 * What `set image` and `set env` change in a pod template: decided from words and containers. Pure.
 */
import type { Container, EnvVar } from "../../api/core/v1.ts";
import { UsageError } from "../base/flags.ts";

/** Containers of a strategic merge patch: those that change, by name. */
export type ContainerChanges = readonly Record<string, unknown>[];

/** "web=nginx:2", "*=nginx:2". Throws UsageError for a container that is not there. */
export function planImages(
  containers: readonly Container[],
  words: readonly string[],
): ContainerChanges {
  const wanted = new Map<string, string>();
  for (const word of words) {
    const [name = "", ...image] = word.split("=");
    const names = name === "*" ? containers.map((one) => one.name) : [name];
    if (!names.every((one) => containers.some((container) => container.name === one)))
      throw new UsageError(`unable to find container named "${name}"`);
    for (const one of names) wanted.set(one, image.join("="));
  }
  return containers.flatMap(({ name, image }) => {
    const next = wanted.get(name);
    return next === undefined || next === image ? [] : [{ name, image: next }];
  });
}

/** "COLOR=red" sets in every chosen container, "COLOR-" removes. */
export function planEnv(
  containers: readonly Container[],
  words: readonly string[],
): ContainerChanges {
  return containers.flatMap(({ name, env = [] }) => {
    const changes = words.flatMap((word) => envChange(env, word));
    return changes.length === 0 ? [] : [{ name, env: changes }];
  });
}

function envChange(env: readonly EnvVar[], word: string): readonly Record<string, unknown>[] {
  const equals = word.indexOf("=");
  if (equals < 0 && word.endsWith("-")) {
    const name = word.slice(0, -1);
    return env.some((one) => one.name === name) ? [{ $patch: "delete", name }] : [];
  }
  if (equals <= 0)
    throw new UsageError(`environment variables must be of the form key=value: ${word}`);
  const [name, value] = [word.slice(0, equals), word.slice(equals + 1)];
  const now = env.find((one) => one.name === name);
  return now?.value === value && now.valueFrom === undefined
    ? []
    : [{ name, value, valueFrom: null }];
}
