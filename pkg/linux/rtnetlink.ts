/**
 * What may be asked of the kernel's network: links, addresses, routes, neighbours, as values.
 * `encodeRequest` makes the message of one; `netlink.ts` sends it. Pure.
 */
import { encodeMessage } from "./netlink-message.ts";
import { draftAddress, type AddressChange } from "./rtnetlink-address.ts";
import { flag, type Draft } from "./rtnetlink-draft.ts";
import { draftLink, type LinkChange } from "./rtnetlink-link.ts";
import { draftNeighbour, type NeighbourChange } from "./rtnetlink-neighbour.ts";
import { draftRoute, type RouteChange } from "./rtnetlink-route.ts";

export type LinkRequest = LinkChange | AddressChange | RouteChange | NeighbourChange;

function draftOf(request: LinkRequest): Draft {
  switch (request.do) {
    case "add-address":
    case "list-addresses":
      return draftAddress(request);
    case "add-route":
    case "delete-route":
    case "list-routes":
      return draftRoute(request);
    case "set-neighbour":
    case "delete-neighbour":
    case "set-forwarding":
    case "delete-forwarding":
    case "list-neighbours":
    case "list-forwarding":
      return draftNeighbour(request);
    default:
      return draftLink(request);
  }
}

/** Every request asks for an acknowledgement: nothing is sent and hoped for. */
export function encodeRequest(request: LinkRequest, sequence: number): Uint8Array {
  const draft = draftOf(request);
  return encodeMessage({ ...draft, flags: draft.flags | flag.request | flag.ack, sequence });
}
