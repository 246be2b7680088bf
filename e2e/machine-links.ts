/**
 * Where machines are on the network: all on one link, or each on a link of its own behind a
 * router, which is the switch's namespace then and passes on only what comes from where it should.
 */
export type Links = "shared" | "routed";

/** More than a demo or a test needs; each link has room for 250. */
export const machinesMax = 16;

export interface MachinePlace {
  readonly address: string;
  /** Of the switch, with the address below. */
  readonly bridge: string;
  readonly gateway: string;
}

/** Machine 1 is 10.31.0.11 either way; routed, machine 2 is 10.31.1.12. */
export function machinePlace(number: number, links: Links): MachinePlace {
  const link = links === "routed" ? number - 1 : 0;
  const network = `10.31.${link}`;
  return { address: `${network}.${10 + number}`, bridge: `br${link}`, gateway: `${network}.1` };
}

type Words = readonly string[];

/** What makes the switch: commands in its namespace. */
export function switchCommands(count: number, links: Links): readonly Words[] {
  const places = Array.from({ length: count }, (_, at) => machinePlace(at + 1, links));
  const bridges = new Map(places.map(({ bridge, gateway }) => [bridge, gateway]));
  return [
    ["ip", "link", "set", "lo", "up"],
    ...[...bridges].flatMap(([bridge, gateway]) => [
      ["ip", "link", "add", bridge, "type", "bridge"],
      ["ip", "addr", "add", `${gateway}/24`, "dev", bridge],
      ["ip", "link", "set", bridge, "up"],
    ]),
    ...(links === "routed" ? routerCommands([...bridges.keys()]) : []),
  ];
}

/** Strict reverse paths: pods' own addresses pass no router of a real network either. */
const routerCommands = (bridges: readonly string[]): readonly Words[] =>
  ["ip_forward", ...["all", ...bridges].map((name) => `conf/${name}/rp_filter`)].map((name) => [
    "sh",
    "-c",
    `echo 1 > /proc/sys/net/ipv4/${name}`,
  ]);

/** What joins a machine to its link: commands in the machine. */
export function machineCommands(number: number, links: Links): readonly Words[] {
  const { address, gateway } = machinePlace(number, links);
  return [
    ["ip", "addr", "add", `${address}/24`, "dev", "eth0"],
    ["ip", "link", "set", "eth0", "up"],
    ...(links === "routed" ? [["ip", "route", "add", "default", "via", gateway]] : []),
  ];
}
