/** Connections that leave HTTP (exec, attach, port-forward): the same filters, then away. */
import type { WireRequest, WireResponse } from "../../base/wire.ts";
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
    if (response.status !== 101) refuse(upgrade, response);
  };
}

function wireOf({ method, path, headers, peer, socket }: UpgradeRequest): WireRequest {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  return { method, path, headers, peer, signal: gone.signal };
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
};

/** The socket is still plain HTTP: the refusal is a response like any other. */
function refuse({ socket }: UpgradeRequest, { status, headers, body }: WireResponse): void {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array();
  const lines = [
    `HTTP/1.1 ${status} ${reasonPhrases[status] ?? "Error"}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${bytes.length}`,
    "connection: close",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  socket.end(bytes);
}
