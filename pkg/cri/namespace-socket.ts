import { Socket } from "node:net";
import type { Kernel } from "../linux/kernel.ts";
import { SystemCallError } from "../linux/errno.ts";
import type { Syscall } from "../linux/syscall.ts";

/** AF_INET and AF_INET6. */
const families = [
  { number: 2, host: "127.0.0.1" },
  { number: 10, host: "::1" },
] as const;

/**
 * Connects to a port on the loopback interface of a network namespace. A socket belongs to the
 * namespace that it was made in, so only its making happens there. Rejects as connect(2) does.
 */
export async function connectInNamespace(
  kernel: Kernel,
  namespace: string | undefined,
  port: number,
): Promise<Socket> {
  let refusal: unknown;
  for (const { number, host } of families) {
    const fd = namespace === undefined ? undefined : socketIn(kernel, namespace, number);
    const shared = { allowHalfOpen: true };
    const socket = new Socket(
      fd === undefined ? shared : { ...shared, fd, readable: true, writable: true },
    );
    try {
      await connected(socket, port, host);
      return socket;
    } catch (error) {
      socket.destroy();
      // The first says more: what listens at all listens on IPv4 mostly.
      refusal ??= error;
    }
  }
  throw new Error(`connect to port ${port} of the pod`, { cause: refusal });
}

async function connected(socket: Socket, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.connect({ port, host }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

function socketIn(kernel: Kernel, namespace: string, family: number): number {
  const steps: readonly Syscall[] = [
    openNamespace("/proc/thread-self/ns/net", "own", "to come back to it"),
    openNamespace(namespace, "pod", "to go there"),
    enter("pod", "only for the next call"),
    {
      call: "socket",
      args: [family, ["SOCK_STREAM", "SOCK_CLOEXEC", "SOCK_NONBLOCK"], 0],
      because: "it belongs to the namespace that it is made in",
      as: "socket",
      // Whatever happens to it, the thread must come home.
      may: "fail",
    },
    enter("own", "home"),
    { call: "close", args: [{ result: "own" }], because: "we are home" },
    { call: "close", args: [{ result: "pod" }], because: "the socket holds what it needs" },
  ];
  const socket = kernel.play(steps).result("socket");
  if (socket < 0) throw new SystemCallError("socket", `of family ${family}`, -socket);
  return socket;
}

const openNamespace = (path: string, as: string, because: string): Syscall => ({
  call: "openat",
  args: [["AT_FDCWD"], path, ["O_RDONLY", "O_CLOEXEC"]],
  because,
  as,
});

const enter = (name: string, because: string): Syscall => ({
  call: "setns",
  args: [{ result: name }, ["CLONE_NEWNET"]],
  because,
});
