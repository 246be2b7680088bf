import type { Clock } from "../base/clock.ts";
import { badRequest } from "../machinery/status.ts";
import { acceptSpdyStreams } from "./accept-spdy-streams.ts";
import { acceptWebSocketStreams } from "./accept-websocket-streams.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import type { RemoteStreams, StreamRequest } from "./streams-contract.ts";

/**
 * Takes a connection over for exec or attach, over WebSocket or SPDY/3.1, whichever the client asks
 * for. Where that fails the client has had its answer, and the promise rejects with the reason.
 */
export async function acceptStreams(
  upgrade: UpgradeRequest,
  request: StreamRequest,
  clock: Clock,
): Promise<RemoteStreams> {
  const protocol = (upgrade.headers["upgrade"] ?? "").toLowerCase();
  if (protocol === "websocket") return acceptWebSocketStreams(upgrade, request);
  if (protocol === "spdy/3.1") return acceptSpdyStreams(upgrade, request, clock);
  const error = badRequest(`unable to upgrade: expected WebSocket or SPDY/3.1, got "${protocol}"`);
  refuseUpgrade(upgrade, error);
  throw error;
}
