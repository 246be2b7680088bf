/**
 * The door to links, addresses, routes and neighbours: a route netlink socket (netlink(7)), asked
 * one request at a time and waited for. The kernel answers while send(2) runs, so nothing blocks.
 */
import { dlopen } from "node:ffi";
import { closeSync, openSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { errnoOf, netlinkProtocol, NetlinkSocket } from "./netlink-socket.ts";
import { linkAddressOf, type LinkAddress } from "./rtnetlink-address.ts";
import { messageType } from "./rtnetlink-draft.ts";
import { linkOf, type Link } from "./rtnetlink-link.ts";
import { neighbourOf, type Neighbour } from "./rtnetlink-neighbour.ts";
import { gatewayRouteOf, type GatewayRoute } from "./rtnetlink-route.ts";
import { encodeRequest, type LinkRequest } from "./rtnetlink.ts";

const libc = dlopen("libc.so.6", {
  setns: { arguments: ["int32", "int32"], return: "int32" },
}).functions;

const cloneNewNet = 0x40000000;

/** The kernel's refusal of one request; `code` is errno's name. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  readonly code: string;
  constructor(request: LinkRequest, errno: number) {
    const code = getSystemErrorName(-errno);
    super(
      `netlink ${JSON.stringify(request, (_, value: unknown) => (value instanceof Uint8Array ? undefined : value))}: ${code}`,
    );
    this.code = code;
  }
}

export interface Netlink extends Disposable {
  /** Performs the request. Throws NetlinkError. */
  request(request: LinkRequest): void;
  /** Index of a link by its name; undefined when there is none. */
  linkIndex(name: string): number | undefined;
  /** A link by its name or its index; undefined when there is none. */
  link(link: string | number): Link | undefined;
  /** IPv4 addresses of all links. */
  addresses(): readonly LinkAddress[];
  /** IPv4 routes of the main table that lead over a gateway and were made by `protocol`. */
  gatewayRoutes(protocol: number): readonly GatewayRoute[];
  /** IPv4 neighbours of a link that were set to stay. */
  neighbours(index: number): readonly Neighbour[];
  /** Forwarding entries of a VXLAN device that were set to stay. */
  forwarding(index: number): readonly Neighbour[];
}

/**
 * Runs `action` with this thread in another network namespace. It must not wait: all other work of
 * this thread would run there too.
 */
export function inNetworkNamespace<Result>(path: string, action: () => Result): Result {
  const own = openSync("/proc/thread-self/ns/net", "r");
  using _own = { [Symbol.dispose]: () => closeSync(own) };
  const other = openSync(path, "r");
  using _other = { [Symbol.dispose]: () => closeSync(other) };
  enterNetworkNamespace(other, path);
  // Disposed first: whatever the action did, this thread goes home.
  using _home = { [Symbol.dispose]: () => enterNetworkNamespace(own, "our own") };
  return action();
}

function enterNetworkNamespace(descriptor: number, name: string): void {
  if (libc.setns(descriptor, cloneNewNet) !== 0) {
    throw new Error(`setns to the network namespace ${name} failed; are we root?`);
  }
}

/** A socket in our own network namespace, or in the one that the file `netns` names. */
export function openNetlink(netns?: string): Netlink {
  const open = (): NetlinkSocket => new NetlinkSocket(netlinkProtocol.route);
  const socket = netns === undefined ? open() : inNetworkNamespace(netns, open);
  let sequence = 0;

  /** Sends, then reads until the acknowledgement of this very request. */
  const ask = (request: LinkRequest): { readonly errno: number; readonly link?: Link } => {
    socket.send(encodeRequest(request, ++sequence));
    let link: Link | undefined;
    for (const { type, payload } of socket.repliesTo(sequence)) {
      if (type === messageType.newLink) link = linkOf(payload);
      if (type !== messageType.error) continue;
      return { errno: -errnoOf(payload), ...(link === undefined ? {} : { link }) };
    }
    throw new Error("netlink replies ended without an acknowledgement");
  };

  /** A dump comes in parts; the last says so, and an error is the kernel's refusal. */
  const list = <Item>(
    request: LinkRequest,
    itemOf: (payload: Uint8Array) => Item | undefined,
  ): readonly Item[] => {
    socket.send(encodeRequest(request, ++sequence));
    const items: Item[] = [];
    for (const { type, payload } of socket.repliesTo(sequence)) {
      if (type === messageType.done) break;
      if (type === messageType.error) throw new NetlinkError(request, -errnoOf(payload));
      const item = itemOf(payload);
      if (item !== undefined) items.push(item);
    }
    return items;
  };

  const link = (wanted: string | number): Link | undefined => {
    const request: LinkRequest = { do: "get-link", link: wanted };
    const { errno, link: found } = ask(request);
    const noDevice = 19;
    if (found === undefined && errno !== noDevice) throw new NetlinkError(request, errno);
    return found;
  };

  return {
    request: (request) => {
      const { errno } = ask(request);
      if (errno !== 0) throw new NetlinkError(request, errno);
    },
    link,
    linkIndex: (name) => link(name)?.index,
    addresses: () => list({ do: "list-addresses" }, linkAddressOf),
    gatewayRoutes: (protocol) =>
      list({ do: "list-routes" }, gatewayRouteOf).filter((route) => route.protocol === protocol),
    neighbours: (index) =>
      list({ do: "list-neighbours" }, neighbourOf).filter((one) => one.index === index),
    forwarding: (index) => list({ do: "list-forwarding", index }, neighbourOf),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
