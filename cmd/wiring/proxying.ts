import { openConntrack } from "../../pkg/linux/conntrack.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { runServiceProxy, type ProxyOptions } from "../../pkg/proxy/service-proxy.ts";
import type { ApiAccess } from "./api-access.ts";

/** Services on this node. Throws where the packet filter cannot be reached. */
export const runProxying = (
  access: ApiAccess,
  nodeName: string,
  signal: AbortSignal,
  told: Pick<ProxyOptions, "health" | "metrics"> = {},
): Promise<void> =>
  runServiceProxy(
    { ...access, ...told, nodeName, nftables: openNftables(), conntrack: openConntrack() },
    signal,
  );
