import type { Service } from "../../../api/core/v1.ts";
import { defineCommand } from "../command.ts";
import { pathOf } from "../resource-mapper.ts";

/** Services that are part of the cluster itself are marked, and named for people. */
const partLabel = "kubernetes.io/cluster-service";
const nameLabel = "kubernetes.io/name";

/** Where the API server leads requests on to the Service. */
function proxyPath({ metadata, spec }: Service): string {
  const [port] = spec?.ports ?? [];
  const scheme = port?.name === "https" || port?.port === 443 ? "https:" : "";
  const suffix = port?.name === undefined || port.name === "" ? "" : `:${port.name}`;
  const { namespace, name } = metadata ?? {};
  return `/api/v1/namespaces/${namespace}/services/${scheme}${name}${suffix}/proxy`;
}

export const clusterInfo = defineCommand({
  usage: "cluster-info",
  flags: {} as const,
  run: async (kubectl) => {
    const { api, terminal, server } = kubectl;
    const services = (await kubectl.mapper(["services"])).byName("services");
    const query = new URLSearchParams({ labelSelector: `${partLabel}=true` });
    const path = `${pathOf(services, { namespace: "kube-system" })}?${query}`;
    const list = await api.send<{ readonly items?: readonly Service[] }>({ method: "GET", path });
    terminal.out(`Kubernetes control plane is running at ${server}\n`);
    for (const service of list.items ?? []) {
      const name = service.metadata?.labels?.[nameLabel] ?? service.metadata?.name ?? "";
      terminal.out(`${name} is running at ${server}${proxyPath(service)}\n`);
    }
    return 0;
  },
});
