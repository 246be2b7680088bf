/**
 * A manifest file as a pod of this node. Pure: text in, pod out.
 */
import { createHash } from "node:crypto";
import type { Pod } from "../../../api/core/v1.ts";
import { parseYaml, YamlError, type YamlDocument } from "../../machinery/yaml.ts";
import { configHash, configSeen, configSource } from "./pod-spec.ts";

export interface StaticPodFacts {
  readonly nodeName: string;
  /** Of the file: pods of two files differ even when their texts do not. */
  readonly path: string;
  /** RFC 3339 */
  readonly seenAt: string;
}

/** Editors' leavings and hidden files are nobody's manifests. */
export const isManifestName = (name: string): boolean =>
  /\.(ya?ml|json)$/.test(name) && !/^[.#]/.test(name);

/** Throws with file, line and column where the text cannot be read, or is no pod. */
export function parseStaticPod(text: string, facts: StaticPodFacts): Pod {
  const [document, ...more] = documentsOf(text, facts.path);
  if (document === undefined) throw new Error(`${facts.path}: the file is empty`);
  if (more.length > 0) throw new Error(`${facts.path}: one pod a file, but there are more`);
  return staticPod(document.value, facts);
}

function documentsOf(text: string, path: string): readonly YamlDocument[] {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new Error(`${path}:${error.line}:${error.column}: ${error.problem}`);
  }
}

function staticPod(value: unknown, facts: StaticPodFacts): Pod {
  const wrong = problemOf(value);
  if (wrong !== undefined) throw new Error(`${facts.path}: ${wrong}`);
  const { status: _none, ...pod } = value as Pod;
  const hash = createHash("md5")
    .update(JSON.stringify([facts.nodeName, facts.path, pod]))
    .digest("hex");
  const { metadata } = pod;
  return {
    ...pod,
    metadata: {
      ...metadata,
      name: `${metadata?.name ?? ""}-${facts.nodeName.toLowerCase()}`,
      namespace: metadata?.namespace || "default",
      uid: metadata?.uid || hash,
      creationTimestamp: facts.seenAt,
      annotations: {
        ...metadata?.annotations,
        [configHash]: hash,
        [configSeen]: facts.seenAt,
        [configSource]: "file",
      },
    },
    spec: withDefaults(pod.spec, facts.nodeName),
  };
}

const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

function problemOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "not an object";
  const pod = value as Partial<Pod>;
  if (pod.kind !== "Pod" || pod.apiVersion !== "v1")
    return `expected kind Pod of v1, found ${String(pod.kind)} of ${String(pod.apiVersion)}`;
  const name = pod.metadata?.name;
  if (name === undefined || name === "") return "metadata.name: Required value";
  if (typeof name !== "string" || !namePattern.test(name))
    return `metadata.name: Invalid value: ${JSON.stringify(name)}`;
  const containers: unknown = pod.spec?.containers;
  if (!Array.isArray(containers) || containers.length === 0)
    return "spec.containers: Required value";
  for (const [index, container] of (containers as Partial<Container>[]).entries()) {
    for (const field of ["name", "image"] as const)
      if (typeof container?.[field] !== "string" || container[field] === "")
        return `spec.containers[${index}].${field}: Required value`;
  }
  return undefined;
}

type Container = Pod["spec"]["containers"][number];

/** It runs wherever its manifest is, whatever the node's taints say. */
const withDefaults = (spec: Pod["spec"], nodeName: string): Pod["spec"] => ({
  ...spec,
  nodeName,
  restartPolicy: spec.restartPolicy ?? "Always",
  tolerations: [...(spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }],
});
