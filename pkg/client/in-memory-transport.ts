import type { Handler, Peer, Transport } from "../base/wire.ts";

/**
 * Calls a server's handler directly, as the peer that a TLS connection would have shown: what
 * carries requests inside `tskube up`, tests and the simulator.
 */
export const inMemoryTransport =
  (handler: Handler, peer: Peer): Transport =>
  (request) =>
    handler({ ...request, peer });
