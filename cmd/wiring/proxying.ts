import { openNftables } from "../../pkg/linux/nftables.ts";
import { runServiceProxy } from "../../pkg/proxy/service-proxy.ts";
import type { ApiAccess } from "./api-access.ts";

/** Services on this node. Throws where the packet filter cannot be reached. */
export const runProxying = (
  access: ApiAccess,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> => runServiceProxy({ ...access, nodeName, nftables: openNftables() }, signal);
