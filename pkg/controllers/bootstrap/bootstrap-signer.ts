import type { ConfigMap, Secret } from "../../../api/core/v1.ts";
import { configMaps, secrets } from "../../../api/resources.ts";
import { done, reads, requeueAfter } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import {
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  clusterInfo,
  type BootstrapToken,
} from "../../machinery/bootstrap-token.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { signDetached } from "../../pki/detached-signature.ts";
import { tokenSelector } from "./token-cleaner.ts";

/** Ends that are further off than this are looked at again then. */
const lookAgainMs = 24 * 3_600_000;

const { namespace, name, kubeconfigKey, signaturePrefix } = clusterInfo;

type Data = Readonly<Record<string, string>>;

/** What cluster-info holds: its kubeconfig signed with each token, and no other signature. */
export function signedData(data: Data, tokens: readonly BootstrapToken[]): Data {
  const rest = Object.entries(data).filter(([key]) => !key.startsWith(signaturePrefix));
  const content = data[kubeconfigKey];
  const signatures =
    content === undefined
      ? []
      : tokens.map((token): readonly [string, string] => [
          `${signaturePrefix}${token.id}`,
          signDetached(content, token),
        ]);
  return Object.fromEntries([...rest, ...signatures]);
}

/** Signs kube-public/cluster-info, so that a machine with a token can tell that it is genuine. */
export const bootstrapSignerController = defineController<ConfigMap>({
  name: "bootstrap-signer",
  account: "bootstrap-signer",
  eventSource: "bootstrap-signer",
  reconciles: configMaps,
  fieldSelector: `metadata.name=${name},metadata.namespace=${namespace}`,
  reads: [
    { ...reads<Secret>(secrets, () => [`${namespace}/${name}`]), fieldSelector: tokenSelector },
  ],
  writes: ["ConfigMap/signatures"],
  async reconcile(info, context, signal) {
    const now = context.clock.now();
    const tokens = context
      .informer(secrets)
      .list(bootstrapTokenNamespace)
      .flatMap((secret) => bootstrapTokenOf(secret) ?? [])
      .filter(({ usages, expiresAtMs }) => usages.includes("signing") && expiresAtMs > now);
    const data = signedData(info.data ?? {}, tokens);
    if (!isSemanticallyEqual(data, info.data ?? {})) {
      await context.client.resource(configMaps).update({ ...info, data }, {}, signal);
    }
    const nextMs = Math.min(...tokens.map(({ expiresAtMs }) => expiresAtMs - now));
    return Number.isFinite(nextMs) ? requeueAfter(Math.min(nextMs, lookAgainMs)) : done;
  },
});
