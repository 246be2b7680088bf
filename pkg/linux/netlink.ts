/**
 * The door to links, addresses and routes: a route netlink socket (netlink(7)), asked one request
 * at a time and waited for. The kernel answers while send(2) runs, so nothing here blocks.
 */
import { dlopen } from "node:ffi";
import { closeSync, openSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { decodeReplies } from "./netlink-message.ts";
import {
  encodeRequest,
  gatewayRouteOf,
  linkIndexOf,
  messageType,
  type GatewayRoute,
  type LinkRequest,
} from "./rtnetlink.ts";

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
  /** IPv4 routes of the main table that lead over a gateway and were made by `protocol`. */
  gatewayRoutes(protocol: number): readonly GatewayRoute[];
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

/** A socket in our own network namespace, or in the one that the file `netns` names. */
export function openNetlink(netns?: string): Netlink {
  const socket = netns === undefined ? openSocket() : inNetworkNamespace(netns, openSocket);
  const buffer = new Uint8Array(replyBytesMax);
  let sequence = 0;

  /** Sends, then reads until the acknowledgement of this very request. */
  const ask = (
    request: LinkRequest,
  ): { readonly errno: number; readonly link: Uint8Array | undefined } => {
    const bytes = encodeRequest(request, ++sequence);
    if (libc.send(socket, bytes, BigInt(bytes.length), 0) < 0n)
      throw new Error("netlink send failed");
    let link: Uint8Array | undefined;
    for (;;) {
      const length = Number(libc.recv(socket, buffer, BigInt(buffer.length), 0));
      if (length <= 0) throw new Error("netlink recv failed");
      for (const reply of decodeReplies(buffer.subarray(0, length))) {
        if (reply.sequence !== sequence) continue;
        if (reply.type === messageType.newLink) link = reply.payload.slice();
        if (reply.type === messageType.error) {
          return { errno: -errnoOf(reply.payload), link };
        }
      }
    }
  };

  /** A dump comes in parts; the last says so, and an error is the kernel's refusal. */
  const listRoutes = (): readonly GatewayRoute[] => {
    const request: LinkRequest = { do: "list-routes" };
    const bytes = encodeRequest(request, ++sequence);
    if (libc.send(socket, bytes, BigInt(bytes.length), 0) < 0n)
      throw new Error("netlink send failed");
    const routes: GatewayRoute[] = [];
    for (;;) {
      const length = Number(libc.recv(socket, buffer, BigInt(buffer.length), 0));
      if (length <= 0) throw new Error("netlink recv failed");
      for (const { sequence: of, type, payload } of decodeReplies(buffer.subarray(0, length))) {
        if (of !== sequence) continue;
        if (type === messageType.done) return routes;
        if (type === messageType.error) throw new NetlinkError(request, -errnoOf(payload));
        const route = type === messageType.newRoute ? gatewayRouteOf(payload) : undefined;
        if (route !== undefined) routes.push(route);
      }
    }
  };

  return {
    gatewayRoutes: (protocol) => listRoutes().filter((route) => route.protocol === protocol),
    request: (request) => {
      const { errno } = ask(request);
      if (errno !== 0) throw new NetlinkError(request, errno);
    },
    linkIndex: (name) => {
      const request: LinkRequest = { do: "get-link", name };
      const { errno, link } = ask(request);
      if (link !== undefined) return linkIndexOf(link);
      const noDevice = 19;
      if (errno === noDevice) return undefined;
      throw new NetlinkError(request, errno);
    },
    [Symbol.dispose]: () => closeSync(socket),
  };
}
