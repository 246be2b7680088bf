import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { KubeconfigDoor } from "../../pkg/kubectl/command.ts";
import type { KubeconfigFile } from "../../pkg/kubectl/kubeconfig-plan.ts";
import type { Kubeconfig } from "../../pkg/machinery/kubeconfig.ts";

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`read kubeconfig ${path}`, { cause });
  }
}

async function readFileOf(path: string): Promise<KubeconfigFile & { readonly isThere: boolean }> {
  const text = readIfThere(path);
  if (text === undefined) return { path, config: {}, isThere: false };
  const { parse } = await import("yaml");
  return { path, config: (parse(text) ?? {}) as Kubeconfig, isThere: true };
}

/** Only its owner may read it: keys and tokens are in it. */
async function writeConfig(path: string, config: Kubeconfig): Promise<void> {
  const { writeFileAtomically } = await import("../../pkg/files/atomic-file.ts");
  const { yamlText } = await import("../../pkg/kubectl/print/yaml-text.ts");
  await writeFileAtomically(path, yamlText({ apiVersion: "v1", kind: "Config", ...config }));
}

/** The fields of a stanza, with the content of each file in place of its name. */
async function embedded<T extends object>(fields: T | undefined): Promise<T> {
  const found: Record<string, unknown> = { ...fields };
  for (const key of ["certificate-authority", "client-certificate", "client-key"]) {
    const path = found[key];
    if (typeof path !== "string") continue;
    delete found[key];
    found[`${key}-data`] = readFileSync(resolve(path), "base64");
  }
  return found as T;
}

/** Of several files those that are there; where none is the last, which is to be made. */
export const kubeconfigFiles = (paths: readonly string[]): KubeconfigDoor => ({
  read: async () => {
    const all = await Promise.all(paths.map(readFileOf));
    const there = all.filter(({ isThere }) => isThere);
    return there.length > 0 ? there : all.slice(-1);
  },
  write: writeConfig,
  flatten: async (config) => ({
    ...config,
    clusters: await Promise.all(
      (config.clusters ?? []).map(async (one) => ({
        ...one,
        cluster: await embedded(one.cluster),
      })),
    ),
    users: await Promise.all(
      (config.users ?? []).map(async (one) => ({ ...one, user: await embedded(one.user) })),
    ),
  }),
});
