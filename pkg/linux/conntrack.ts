import { getSystemErrorName } from "node:util";
import { deleteFlow, flowOf, listFlows, type Flow } from "./conntrack-message.ts";
import { inNetworkNamespace } from "./netlink.ts";
import { errnoOf, netlinkProtocol, NetlinkSocket } from "./netlink-socket.ts";

/** The door to connection tracking: the kernel's memory of flows and how they are translated. */
export interface Conntrack {
  /** Ends UDP flows over IPv4; returns how many. */
  remove(isStale: (flow: Flow) => boolean): number;
}

const messageType = { error: 2, done: 3 } as const;
/** It has ended by itself meanwhile. */
const noEntry = -2;

/** In our own network namespace, or the one that the file `netns` names; needs CAP_NET_ADMIN. */
export const openConntrack = (netns?: string): Conntrack => ({
  remove: (isStale) => {
    const open = (): NetlinkSocket => new NetlinkSocket(netlinkProtocol.netfilter);
    using socket = netns === undefined ? open() : inNetworkNamespace(netns, open);
    const stale = list(socket).filter(isStale);
    let sequence = 1;
    for (const flow of stale) end(socket, flow, ++sequence);
    return stale.length;
  },
});

function list(socket: NetlinkSocket): readonly Flow[] {
  const sequence = 1;
  socket.send(listFlows(sequence));
  const flows: Flow[] = [];
  for (const { type, payload } of socket.repliesTo(sequence)) {
    if (type === messageType.done) break;
    if (type === messageType.error) throw refusal("list flows", errnoOf(payload));
    const flow = flowOf(payload);
    if (flow !== undefined) flows.push(flow);
  }
  return flows;
}

function end(socket: NetlinkSocket, flow: Flow, sequence: number): void {
  socket.send(deleteFlow(flow, sequence));
  for (const { type, payload } of socket.repliesTo(sequence)) {
    if (type !== messageType.error) continue;
    const errno = errnoOf(payload);
    if (errno !== 0 && errno !== noEntry) throw refusal("end a flow", errno);
    return;
  }
}

const refusal = (what: string, errno: number): Error =>
  new Error(`conntrack: ${what}: ${getSystemErrorName(errno)}`);
