import { readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import type { ChosenContext } from "./kubeconfig.ts";
import { fileToken } from "./file-token.ts";

/** Where every pod finds its ServiceAccount's token, namespace and the cluster's authority. */
const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * How a program inside a pod reaches the API, or undefined outside of one. `environment` is the
 * process's, handed in by the program.
 */
export async function inClusterContext(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  folder: string = mountPath,
): Promise<ChosenContext | undefined> {
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? "";
  if (host === "" || port === "") return undefined;
  const token = fileToken(`${folder}/token`, clock);
  await token();
  const namespace = await readFile(`${folder}/namespace`, "utf8").catch(() => "default");
  return {
    context: "",
    namespace: namespace.trim(),
    access: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      certificateAuthority: () => readFile(`${folder}/ca.crt`, "utf8"),
      token,
    },
  };
}
