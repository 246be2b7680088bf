import type { Kernel } from "./kernel.ts";

/** A connected pair of sockets: ours, and one for a child's tape to send its terminal over. */
export function openSocketPair(kernel: Kernel): readonly [ours: number, theirs: number] {
  const pair = kernel
    .play([
      {
        call: "socketpair",
        args: [["AF_UNIX"], ["SOCK_STREAM", "SOCK_CLOEXEC"], 0, { out: "pair", bytes: 8 }],
        because: "a descriptor made in the child comes back over it",
      },
    ])
    .bytes("pair");
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** Takes the descriptor that a child has sent (SCM_RIGHTS). Throws when it sent none. */
export function receiveDescriptor(kernel: Kernel, socket: number): number {
  const controlBytes = 24;
  const header = {
    words: [
      0,
      0,
      { words: [{ out: "payload", bytes: 8 }, 1] },
      1,
      { out: "control", bytes: controlBytes },
      controlBytes,
      0,
    ],
  };
  const played = kernel.play([
    {
      call: "recvmsg",
      args: [socket, header, ["MSG_DONTWAIT", "MSG_CMSG_CLOEXEC"]],
      because: "the child sent it before it exec'd",
      as: "received",
    },
  ]);
  const control = played.bytes("control");
  // struct cmsghdr: a length of 20 means one descriptor.
  if (played.result("received") < 1 || control.readUInt32LE(0) !== 20) {
    throw new Error("the container's terminal did not arrive");
  }
  return control.readInt32LE(16);
}

/** SIGWINCH reaches the terminal's foreground processes. */
export function resizeTerminal(
  kernel: Kernel,
  master: number,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(height, 0);
  size.writeUInt16LE(width, 2);
  kernel.call("ioctl", [master, ["TIOCSWINSZ"], size], "terminal size");
}
