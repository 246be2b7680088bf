/**
 * Where machines are on the network: all on one link, or each on a link of its own behind a
 * router, which is the switch's namespace then and passes on only what comes from where it should.
 */
export type Links = "shared" | "routed";

/** More than a demo or a test needs; each link has room for 250. */
export const machinesMax = 16;

export interface MachinePlace {
  readonly address: string;
  /** The switch's own address on the machine's link. */
  readonly gateway: string;
}

/** Machine 1 is 10.31.0.11 either way; routed, machine 2 is 10.31.1.12. */
export function machinePlace(number: number, links: Links): MachinePlace {
  const network = `10.31.${links === "routed" ? number - 1 : 0}`;
  return { address: `${network}.${10 + number}`, gateway: `${network}.1` };
}

type Words = readonly string[];

/** A bridge of this name is in every switch, which is told by it; a router's has no members. */
export const switchDevice = "switch0";

/** What makes the switch: commands in its namespace. */
export const switchCommands = (links: Links): readonly Words[] => [
  ["ip", "link", "set", "lo", "up"],
  ["ip", "link", "add", switchDevice, "type", "bridge"],
  ...(links === "routed" ? routerCommands : bridgeCommands),
];

const bridgeCommands: readonly Words[] = [
  ["ip", "addr", "add", `${machinePlace(1, "shared").gateway}/24`, "dev", switchDevice],
  ["ip", "link", "set", switchDevice, "up"],
];

/** Strict reverse paths: pods' own addresses pass no router of a real network either. */
const routerCommands: readonly Words[] = ["ip_forward", "conf/all/rp_filter"].map((name) => [
  "sh",
  "-c",
  `echo 1 > /proc/sys/net/ipv4/${name}`,
]);

/**
 * What joins the switch's end of a machine's link: commands in the switch. A router has its address
 * on that end itself: through a bridge the kernel sends no large packets of tunnels in one piece.
 */
export const linkCommands = (link: string, number: number, links: Links): readonly Words[] =>
  links === "routed"
    ? [
        ["ip", "addr", "add", `${machinePlace(number, links).gateway}/24`, "dev", link],
        ["ip", "link", "set", link, "up"],
      ]
    : [["ip", "link", "set", link, "master", switchDevice, "up"]];

/** What joins a machine to its link: commands in the machine. */
export function machineCommands(number: number, links: Links): readonly Words[] {
  const { address, gateway } = machinePlace(number, links);
  return [
    ["ip", "addr", "add", `${address}/24`, "dev", "eth0"],
    ["ip", "link", "set", "eth0", "up"],
    ...(links === "routed" ? [["ip", "route", "add", "default", "via", gateway]] : []),
  ];
}
