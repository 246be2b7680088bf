/**
 * The door to links, addresses, routes and neighbours: a route netlink socket (netlink(7)), asked
 * one request at a time and waited for. The kernel answers while send(2) runs, so nothing blocks.
 */
import { dlopen } from "node:ffi";
import { closeSync, openSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { decodeReplies, type Reply } from "./netlink-message.ts";
import { linkAddressOf, type LinkAddress } from "./rtnetlink-address.ts";
import { messageType } from "./rtnetlink-draft.ts";
import { linkOf, type Link } from "./rtnetlink-link.ts";
import { neighbourOf, type Neighbour } from "./rtnetlink-neighbour.ts";
import { gatewayRouteOf, type GatewayRoute } from "./rtnetlink-route.ts";
import { encodeRequest, type LinkRequest } from "./rtnetlink.ts";

const libc = dlopen("libc.so.6", {
  socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
  send: { arguments: ["int32", "buffer", "uint64", "int32"], return: "int64" },
  recv: { arguments: ["int32", "buffer", "uint64", "int32"], return: "int64" },
  setns: { arguments: ["int32", "int32"], return: "int32" },
}).functions;

const afNetlink = 16;
const sockRawCloexec = 3 | 0o2000000;
const netlinkRoute = 0;
const cloneNewNet = 0x40000000;
/** More than the kernel's largest answer to what we ask (a link with all its attributes). */
const replyBytesMax = 32_768;

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

function openSocket(): number {
  const socket = libc.socket(afNetlink, sockRawCloexec, netlinkRoute);
  if (socket < 0) throw new Error("no route netlink socket can be opened");
  return socket;
}

/** struct nlmsgerr begins with minus errno, or 0. */
const errnoOf = (payload: Uint8Array): number =>
  new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);

const send = (socket: number, request: LinkRequest, sequence: number): void => {
  const bytes = encodeRequest(request, sequence);
  if (libc.send(socket, bytes, BigInt(bytes.length), 0) < 0n)
    throw new Error("netlink send failed");
};

/** The replies to one request, datagram by datagram, for as long as the caller wants more. */
function* repliesTo(
  socket: number,
  buffer: Uint8Array,
  sequence: number,
): Generator<Reply, never, void> {
  for (;;) {
    const length = Number(libc.recv(socket, buffer, BigInt(buffer.length), 0));
    if (length <= 0) throw new Error("netlink recv failed");
    for (const reply of decodeReplies(buffer.subarray(0, length))) {
      if (reply.sequence === sequence) yield reply;
    }
  }
}

/** A socket in our own network namespace, or in the one that the file `netns` names. */
export function openNetlink(netns?: string): Netlink {
  const socket = netns === undefined ? openSocket() : inNetworkNamespace(netns, openSocket);
  const buffer = new Uint8Array(replyBytesMax);
  let sequence = 0;

  /** Sends, then reads until the acknowledgement of this very request. */
  const ask = (request: LinkRequest): { readonly errno: number; readonly link?: Link } => {
    send(socket, request, ++sequence);
    let link: Link | undefined;
    for (const { type, payload } of repliesTo(socket, buffer, sequence)) {
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
    send(socket, request, ++sequence);
    const items: Item[] = [];
    for (const { type, payload } of repliesTo(socket, buffer, sequence)) {
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
    [Symbol.dispose]: () => closeSync(socket),
  };
}
