/** A netlink socket (netlink(7)): bytes out, replies in. What they mean is others' business. */
import { dlopen } from "node:ffi";
import { closeSync } from "node:fs";
import { decodeReplies, type Reply } from "./netlink-message.ts";

const libc = dlopen("libc.so.6", {
  socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
  send: { arguments: ["int32", "buffer", "uint64", "int32"], return: "int64" },
  recv: { arguments: ["int32", "buffer", "uint64", "int32"], return: "int64" },
}).functions;

const afNetlink = 16;
const sockRawCloexec = 3 | 0o2000000;
/** More than the kernel's largest answer to what we ask (a link with all its attributes). */
const replyBytesMax = 32_768;

/** Whom a socket speaks to: NETLINK_ROUTE, NETLINK_NETFILTER. */
export const netlinkProtocol = { route: 0, netfilter: 12 } as const;

export class NetlinkSocket implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = new Uint8Array(replyBytesMax);

  /** In the network namespace that this thread is in. */
  constructor(protocol: number) {
    this.#descriptor = libc.socket(afNetlink, sockRawCloexec, protocol);
    if (this.#descriptor < 0) throw new Error("no netlink socket can be opened");
  }

  send(message: Uint8Array): void {
    if (libc.send(this.#descriptor, message, BigInt(message.length), 0) < 0n)
      throw new Error("netlink send failed");
  }

  /** The replies to one request, datagram by datagram, for as long as the caller wants more. */
  *repliesTo(sequence: number): Generator<Reply, never, void> {
    for (;;) {
      const length = Number(
        libc.recv(this.#descriptor, this.#buffer, BigInt(this.#buffer.length), 0),
      );
      if (length <= 0) throw new Error("netlink recv failed");
      for (const reply of decodeReplies(this.#buffer.subarray(0, length)))
        if (reply.sequence === sequence) yield reply;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** struct nlmsgerr begins with minus errno, or 0. */
export const errnoOf = (payload: Uint8Array): number =>
  new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
