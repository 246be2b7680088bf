/** Connections of a client to ports of a pod. */
import type { Socket } from "node:net";
import { chainOf } from "../base/errors.ts";
import { acceptPortForward } from "../serving/accept-port-forward.ts";
import { drained } from "../streams/drained.ts";
import type { UpgradeRequest } from "../serving/server-contract.ts";
import type { ForwardedConnection } from "../serving/streams-contract.ts";

/** Opens a connection to one port. */
export type Dial = (port: number) => Promise<Socket>;

/** Serves until the client goes. */
export async function servePortForward(upgrade: UpgradeRequest, dial: Dial): Promise<void> {
  const { connections, closed } = await acceptPortForward(upgrade);
  const open = new Set<Promise<void>>();
  for await (const connection of connections) {
    const forwarding = forward(connection, dial, closed).finally(() => open.delete(forwarding));
    open.add(forwarding);
  }
  await Promise.all(open);
}

/** What goes wrong is told to the client, which may go on with other connections. */
async function forward(
  connection: ForwardedConnection,
  dial: Dial,
  closed: AbortSignal,
): Promise<void> {
  try {
    const socket = await dial(connection.port);
    const onGone = (): void => void socket.destroy();
    closed.addEventListener("abort", onGone, { once: true });
    try {
      await Promise.all([pumpOut(socket, connection), pumpIn(connection, socket)]);
    } finally {
      closed.removeEventListener("abort", onGone);
      socket.destroy();
    }
  } catch (cause) {
    await connection.end(chainOf(cause)).catch(() => {
      // It has gone, and hears nothing any more.
    });
  }
}

/** The pod has said its last word when its side is closed; the client may still be sending. */
async function pumpOut(socket: Socket, connection: ForwardedConnection): Promise<void> {
  for await (const chunk of socket) await connection.write(chunk as Uint8Array);
  await connection.end();
}

async function pumpIn({ received }: ForwardedConnection, socket: Socket): Promise<void> {
  for await (const chunk of received) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  socket.end();
}
