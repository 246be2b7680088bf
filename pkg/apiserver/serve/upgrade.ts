/** Connections that leave HTTP (exec, attach, port-forward): the same filters, then away. */
import type { WireRequest, WireResponse } from "../../base/wire.ts";
import { answerUpgrade } from "../../serving/refuse-upgrade.ts";
import type { UpgradeHandler, UpgradeRequest } from "../../serving/server-contract.ts";
import { type ApiFilter, apiChain, type ApiHandler } from "../api-request.ts";
import type { NodeProxy } from "../connect-contract.ts";
import { unknownPath } from "../refusals.ts";
import { handleWire } from "./handle-wire.ts";
import { proxyTargetOf } from "../subresources/connect.ts";

const taken: WireResponse = { status: 101, headers: {}, body: new Uint8Array() };

export function upgradeHandler(
  filters: readonly ApiFilter[],
  proxy: NodeProxy | undefined,
): UpgradeHandler {
  return async (upgrade) => {
    const connect: ApiHandler = async (request) => {
      if (proxy === undefined || !request.info.resourceRequest) throw unknownPath();
      await proxy.upgrade(upgrade, proxyTargetOf(request));
      return taken;
    };
    const response = await handleWire(apiChain(filters, connect), wireOf(upgrade));
    if (response.status !== 101) answerUpgrade(upgrade, response);
  };
}

function wireOf({ method, path, headers, peer, socket }: UpgradeRequest): WireRequest {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  return { method, path, headers, peer, signal: gone.signal };
}
