/**
 * The built-in pod network: a bridge on the node, a veth pair a pod, addresses out of the node's
 * range. It knows nothing of Services. What it asks for is decided in `plan.ts`; who has which
 * address is in the address book; this file performs both, and may be killed between any two steps.
 */
import { closeSync, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetlinkError, openNetlink, type Netlink } from "../linux/netlink.ts";
import type { Nftables } from "../linux/nftables.ts";
import { AddressBook } from "./address-book.ts";
import {
  gatewayOf,
  hardwareAddress,
  hostLinkName,
  parseCidr,
  planBridge,
  planHostPorts,
  planLoopbackSysctl,
  planPodSide,
  planSysctls,
  planTable,
  podTableName,
  type BridgeConfig,
} from "./plan.ts";
import type { Attachment, NetworkSandbox, PodNetwork } from "./pod-network.ts";
import { tunnelName } from "./tunnel-plan.ts";

export interface BridgeNetworkOptions extends BridgeConfig {
  /** Where the address book is kept: /var/lib/tskube/network */
  readonly stateFolder: string;
  readonly nftables: Nftables;
}

const tolerate = (code: string, action: () => void): void => {
  try {
    action();
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === code)) throw error;
  }
};

/** Makes the bridge, its table and switches where they are missing, and takes up known leases. */
export async function openBridgeNetwork(options: BridgeNetworkOptions): Promise<PodNetwork> {
  const cidr = parseCidr(options.podCidr);
  const book = await AddressBook.open(options.stateFolder, cidr);
  const network = new BridgeNetwork(options, book);
  await network.prepare();
  return network;
}

/** Takes everything off the node that the network made, but not its address book. */
export function removeBridgeNetwork(bridge: string, nftables: Nftables): void {
  using netlink = openNetlink();
  tolerate("ENODEV", () => netlink.request({ do: "delete-link", name: bridge }));
  nftables.run([`add table ip ${podTableName}`, `delete table ip ${podTableName}`]);
}

class BridgeNetwork implements PodNetwork {
  readonly #options: BridgeNetworkOptions;
  readonly #book: AddressBook;
  readonly #gateway: string;

  constructor(options: BridgeNetworkOptions, book: AddressBook) {
    this.#options = options;
    this.#book = book;
    this.#gateway = gatewayOf(parseCidr(options.podCidr));
  }

  async prepare(): Promise<void> {
    const { bridge, nftables } = this.#options;
    using netlink = openNetlink();
    this.#completeBridge(netlink);
    for (const [name, value] of planSysctls(bridge)) {
      await writeFile(join("/proc/sys/net/ipv4", name), value);
    }
    const leases = this.#book.leases();
    const ports = leases.flatMap(({ ip, hostPorts }) => planHostPorts("add", ip, hostPorts));
    nftables.run([...planTable(this.#options), ...ports]);
    if (ports.length > 0) await this.#openLoopback();
  }

  /** Behind the table that guards it, and on nodes with host ports only. */
  async #openLoopback(): Promise<void> {
    const [name, value] = planLoopbackSysctl(this.#options.bridge);
    await writeFile(join("/proc/sys/net/ipv4", name), value);
  }

  /** Its index; makes it where it is missing. */
  #ensureBridge(netlink: Netlink): number {
    const { bridge } = this.#options;
    return netlink.linkIndex(bridge) ?? this.#completeBridge(netlink);
  }

  /** Also what a run that was killed in between has left out. */
  #completeBridge(netlink: Netlink): number {
    const { bridge } = this.#options;
    if (netlink.linkIndex(bridge) === undefined) {
      const address = hardwareAddress(this.#gateway);
      tolerate("EEXIST", () => netlink.request({ do: "add-bridge", name: bridge, address }));
    }
    const index = netlink.linkIndex(bridge);
    if (index === undefined) throw new Error(`the bridge ${bridge} was made, and is gone`);
    for (const request of planBridge(this.#options, index)) netlink.request(request);
    return index;
  }

  async check(): Promise<void> {
    using netlink = openNetlink();
    if (netlink.linkIndex(this.#options.bridge) === undefined) {
      throw new Error(
        `the bridge ${this.#options.bridge} is gone; restart the runtime to make it anew`,
      );
    }
  }

  async attach(sandbox: NetworkSandbox): Promise<Attachment> {
    const known = this.#book.leaseOf(sandbox.id);
    const { ip } = known ?? (await this.#book.lease(sandbox.id, sandbox.hostPorts));
    try {
      using netlink = openNetlink();
      this.#connect(netlink, sandbox, ip);
      if (known === undefined)
        this.#options.nftables.run(planHostPorts("add", ip, sandbox.hostPorts));
      if (sandbox.hostPorts.length > 0) await this.#openLoopback();
    } catch (cause) {
      await this.detach(sandbox).catch(() => undefined);
      throw new Error(
        `attach pod ${sandbox.podNamespace}/${sandbox.podName} to ${this.#options.bridge}`,
        { cause },
      );
    }
    return { ips: [ip] };
  }

  #connect(netlink: Netlink, sandbox: NetworkSandbox, ip: string): void {
    const name = hostLinkName(sandbox.id);
    using inside = openNetlink(sandbox.netns);
    const present = netlink.linkIndex(name);
    const eth0 = present === undefined ? undefined : inside.linkIndex("eth0");
    // Half of an earlier attempt: the pair is made anew.
    if (present !== undefined && eth0 === undefined) netlink.request({ do: "delete-link", name });
    if (eth0 === undefined) this.#addPair(netlink, sandbox.netns, name, ip);
    const outer = netlink.linkIndex(name);
    const links = { loopback: inside.linkIndex("lo"), eth0: inside.linkIndex("eth0") };
    if (outer === undefined || links.loopback === undefined || links.eth0 === undefined) {
      throw new Error(`the link pair ${name} is incomplete`);
    }
    const { loopback, eth0: index } = links;
    const pathMtu = netlink.link(tunnelName)?.mtu ?? Infinity;
    // A route with more than its link has would send what the link drops.
    const path = pathMtu < this.#options.mtu ? { pathMtu } : {};
    for (const request of planPodSide(ip, this.#gateway, { loopback, eth0: index, ...path })) {
      inside.request(request);
    }
    netlink.request({
      do: "set-link",
      index: outer,
      up: true,
      master: this.#ensureBridge(netlink),
    });
    // Where the packet filter sees bridged packets too (br_netfilter), a Service may lead a pod to
    // itself before anything is routed.
    netlink.request({ do: "set-hairpin", index: outer });
  }

  #addPair(netlink: Netlink, netns: string, name: string, ip: string): void {
    const peerNetns = openSync(netns, "r");
    try {
      const { mtu } = this.#options;
      const peerAddress = hardwareAddress(ip);
      netlink.request({ do: "add-veth", name, peer: "eth0", peerNetns, peerAddress, mtu });
    } finally {
      closeSync(peerNetns);
    }
  }

  async detach(sandbox: NetworkSandbox): Promise<void> {
    using netlink = openNetlink();
    const name = hostLinkName(sandbox.id);
    tolerate("ENODEV", () => netlink.request({ do: "delete-link", name }));
    const lease = this.#book.leaseOf(sandbox.id);
    if (lease === undefined) return;
    this.#options.nftables.run(planHostPorts("delete", lease.ip, lease.hostPorts));
    await this.#book.release(sandbox.id);
  }
}
