import { describe, expect, it } from "vitest";
import { planNodePaths, type NodePlace } from "./node-paths-plan.ts";

const place = (number: number, address: string): NodePlace => ({
  name: `n${number}`,
  podCidr: `10.244.${number}.0/24`,
  address,
});
const one = place(1, "10.0.0.1");
const two = place(2, "10.0.0.2");
const far = place(3, "10.0.7.3");
const lan = { index: 2, address: "10.0.0.1", prefixBits: 24 };
const other = { index: 3, address: "10.0.7.1", prefixBits: 24 };

const told = (nodes: readonly NodePlace[], addresses = [lan]): string => {
  const paths = planNodePaths(nodes, "n1", addresses);
  if (paths === undefined) return "waits";
  const names = (all: typeof paths.direct): string =>
    all.map(({ pods, address }) => `${pods.address}@${address}`).join(" ");
  return `link ${paths.link ?? "-"} | ${names(paths.direct)} | ${names(paths.tunnelled)}`;
};

describe("planNodePaths", () => {
  for (const [title, actual, expected] of [
    ["is direct on a common link", told([one, two]), "link 2 | 10.244.2.0@10.0.0.2 | "],
    ["tunnels to the others", told([one, far]), "link 2 |  | 10.244.3.0@10.0.7.3"],
    [
      "counts no link but that of the own address: the other end does not know of it",
      told([one, far], [lan, other]),
      "link 2 |  | 10.244.3.0@10.0.7.3",
    ],
    [
      "counts every subnet of that link",
      told(
        [one, far],
        [
          { ...lan, prefixBits: 32 },
          { ...other, index: 2 },
        ],
      ),
      "link 2 | 10.244.3.0@10.0.7.3 | ",
    ],
    [
      "tunnels to all from an address without neighbours",
      told([one, two], [{ ...lan, prefixBits: 32 }]),
      "link 2 |  | 10.244.2.0@10.0.0.2",
    ],
    [
      "tunnels to all from an address that it has on no link",
      told([one, two], [other]),
      "link - |  | 10.244.2.0@10.0.0.2",
    ],
    [
      "leads no range away that pods here have, whoever claims it",
      told([one, two, far], [lan, { index: 4, address: "10.244.2.1", prefixBits: 24 }]),
      "link 2 |  | 10.244.3.0@10.0.7.3",
    ],
    [
      "tunnels on a common link to who wishes it",
      told([one, { ...two, tunnels: true }, { ...far, address: "10.0.0.3" }]),
      "link 2 | 10.244.3.0@10.0.0.3 | 10.244.2.0@10.0.0.2",
    ],
    [
      "tunnels on a common link where it wishes it itself",
      told([{ ...one, tunnels: true }, two]),
      "link 2 |  | 10.244.2.0@10.0.0.2",
    ],
    ["waits for its own range", told([{ name: "n1", address: "10.0.0.1" }, two]), "waits"],
    ["waits for its own address", told([{ name: "n1", podCidr: "10.244.1.0/24" }]), "waits"],
    ["waits for itself", told([two]), "waits"],
    [
      "leaves out who has no range or address yet, or none of IPv4",
      told([
        one,
        { name: "a", podCidr: "10.244.4.0/24" },
        { name: "b", address: "10.0.0.4" },
        { name: "c", podCidr: "fd00::/64", address: "10.0.0.5" },
        { name: "d", podCidr: "10.244.6.0/24", address: "fd00::6" },
      ]),
      "link 2 |  | ",
    ],
    [
      "leaves out an old name of itself",
      told([one, { ...two, address: "10.0.0.1" }]),
      "link 2 |  | ",
    ],
    [
      "gives a range that two claim to the first, in whatever order they come",
      told([one, { ...two, name: "n4", address: "10.0.0.4" }, two]),
      "link 2 | 10.244.2.0@10.0.0.2 | ",
    ],
    [
      "gives its own range to nobody",
      told([one, { ...two, podCidr: "10.244.1.0/24" }]),
      "link 2 |  | ",
    ],
  ] as const) {
    it(title, () => expect(actual).toBe(expected));
  }
});
