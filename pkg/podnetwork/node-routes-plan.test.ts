import { describe, expect, it } from "vitest";
import type { LinkRequest } from "../linux/rtnetlink.ts";
import type { NodePath } from "./node-paths-plan.ts";
import {
  nothingWanted,
  planNodeRoutes,
  type PresentRoutes,
  type Wanted,
} from "./node-routes-plan.ts";
import { planTunnel } from "./tunnel-plan.ts";

const path = (number: number, address: string): NodePath => ({
  pods: { address: `10.244.${number}.0`, prefixBits: 24 },
  address,
});
const near = path(2, "10.0.0.2");
const far = path(3, "10.0.7.3");
const further = path(4, "10.0.8.4");

function wanting(
  direct: readonly NodePath[],
  tunnelled: readonly NodePath[],
  { mtu = 1500, own = path(1, "10.0.0.1") } = {},
): Wanted {
  const paths = { own, link: 2, direct, tunnelled };
  return { paths, tunnel: planTunnel(paths, { mtu, isLoopback: false }) };
}

type Tunnel = NonNullable<PresentRoutes["tunnel"]>;
const without = (all: Tunnel["neighbours"], ip: string): Tunnel["neighbours"] =>
  all.filter((one) => one.ip !== ip);
const hex = (address: Uint8Array): string => address.toHex();

/** A kernel of a few lines: what a request does to what there is. */
function kernelOf(
  { routes, tunnel }: PresentRoutes,
  change: LinkRequest,
  at: number,
): PresentRoutes {
  const withTunnel = (part: Partial<Tunnel>): PresentRoutes => {
    if (tunnel === undefined) throw new Error(`${change.do} without a device`);
    return { routes, tunnel: { ...tunnel, ...part } };
  };
  switch (change.do) {
    case "delete-link":
      return { routes: routes.filter(({ index }) => index !== tunnel?.link.index) };
    case "add-vxlan": {
      const { name, address, mtu, vxlan } = change;
      const link = { index: 100 + at, name, isUp: false, isLoopback: false, mtu, address, vxlan };
      return { routes, tunnel: { link, addresses: [], neighbours: [], forwarding: [] } };
    }
    case "add-address": {
      const { do: _, ...address } = change;
      return withTunnel({ addresses: [...(tunnel?.addresses ?? []), address] });
    }
    case "set-link": {
      const { up, mtu } = change;
      const link = tunnel?.link;
      if (link === undefined) throw new Error("no link");
      return withTunnel({ link: { ...link, isUp: up ?? link.isUp, mtu: mtu ?? link.mtu } });
    }
    case "set-neighbour": {
      const { do: _, ...one } = change;
      const others = without(tunnel?.neighbours ?? [], change.ip);
      return withTunnel({ neighbours: [...others, one] });
    }
    case "delete-neighbour":
      return withTunnel({ neighbours: without(tunnel?.neighbours ?? [], change.ip) });
    case "set-forwarding": {
      const same = ({ hardwareAddress }: Tunnel["forwarding"][number]): boolean =>
        hex(hardwareAddress) === hex(change.hardwareAddress);
      const others = (tunnel?.forwarding ?? []).filter((one) => !same(one));
      const { do: _, ...one } = change;
      return withTunnel({ forwarding: [...others, one] });
    }
    case "delete-forwarding":
      return withTunnel({ forwarding: without(tunnel?.forwarding ?? [], change.ip) });
    case "add-route": {
      const { destination, gateway = "", index, onLink, protocol = 0 } = change;
      if (destination === undefined) throw new Error("no default route of ours");
      if (onLink === true && tunnel?.link.isUp !== true) throw new Error("the device is down");
      const others = routes.filter((one) => one.destination.address !== destination.address);
      const all = [...others, { destination, gateway, index, protocol }];
      return { routes: all, ...(tunnel === undefined ? {} : { tunnel }) };
    }
    case "delete-route": {
      const { address } = change.destination;
      const left = routes.filter((one) => one.destination.address !== address);
      return { routes: left, ...(tunnel === undefined ? {} : { tunnel }) };
    }
    default:
      throw new Error(`not expected: ${change.do}`);
  }
}

const roundsMax = 4;

/** Plans and performs until nothing changes; `stopAfter` changes is where we are killed. */
function settle(wanted: Wanted, present: PresentRoutes, stopAfter = Infinity) {
  let state = present;
  const done: LinkRequest[] = [];
  for (let round = 0; round < roundsMax; round++) {
    const changes = planNodeRoutes(wanted, state);
    if (changes.length === 0) return { state, done, settled: true };
    for (const change of changes) {
      if (done.length >= stopAfter) return { state, done, settled: false };
      state = kernelOf(state, change, done.length);
      done.push(change);
    }
  }
  throw new Error(`does not settle: ${JSON.stringify(done.map((change) => change.do))}`);
}

const verbs = (done: readonly LinkRequest[]): string =>
  done
    .map((change) => {
      const what =
        "destination" in change ? change.destination?.address : "ip" in change ? change.ip : "";
      return `${change.do} ${what ?? ""}`.trim();
    })
    .join(", ");
const nothing: PresentRoutes = { routes: [] };
const seen = ({ routes, tunnel }: PresentRoutes) => ({
  routes: routes.map(
    ({ destination, gateway, index }) =>
      `${destination.address} via ${gateway} ${index === tunnel?.link.index ? "tunnel" : index}`,
  ),
  neighbours: tunnel?.neighbours.map(({ ip, hardwareAddress }) => `${ip} ${hex(hardwareAddress)}`),
  forwarding: tunnel?.forwarding.map(({ ip, hardwareAddress }) => `${hex(hardwareAddress)} ${ip}`),
});

describe("planNodeRoutes", () => {
  it("needs no device where all share a link", () => {
    const { state, done } = settle(wanting([near], []), nothing);
    expect(verbs(done)).toBe("add-route 10.244.2.0");
    expect(seen(state).routes).toEqual(["10.244.2.0 via 10.0.0.2 2"]);
  });

  it("makes what leads somewhere before what leads to it", () => {
    const { state, done } = settle(wanting([near], [far]), nothing);
    expect(verbs(done)).toBe(
      "add-vxlan, add-route 10.244.2.0, add-address, set-link, set-forwarding 10.0.7.3, " +
        "set-neighbour 10.244.3.0, add-route 10.244.3.0",
    );
    expect(seen(state)).toEqual({
      routes: ["10.244.2.0 via 10.0.0.2 2", "10.244.3.0 via 10.244.3.0 tunnel"],
      neighbours: ["10.244.3.0 0a580af40300"],
      forwarding: ["0a580af40300 10.0.7.3"],
    });
  });

  for (const [title, before, after, expected] of [
    [
      "follows a node to its new address beyond the tunnel",
      wanting([], [far]),
      wanting([], [{ ...far, address: "10.0.9.9" }]),
      "set-forwarding 10.0.9.9, delete-forwarding 10.0.7.3",
    ],
    [
      "follows a node to its new address on the link",
      wanting([near], []),
      wanting([{ ...near, address: "10.0.0.9" }], []),
      "add-route 10.244.2.0",
    ],
    [
      "takes away who is gone",
      wanting([near], [far, further]),
      wanting([near], [far]),
      "delete-route 10.244.4.0, delete-neighbour 10.244.4.0, delete-forwarding 10.0.8.4",
    ],
    [
      "takes a node that came to our link out of the tunnel, and the tunnel with the last",
      wanting([], [far]),
      wanting([{ ...far, address: "10.0.0.3" }], []),
      "add-route 10.244.3.0, delete-link",
    ],
    [
      "follows the MTU of the link below",
      wanting([], [far]),
      wanting([], [far], { mtu: 9000 }),
      "set-link",
    ],
    [
      "makes the device anew for another address or range of its own",
      wanting([], [far]),
      wanting([], [far], { own: path(7, "10.0.0.7") }),
      "delete-link, add-vxlan, add-address, set-link, set-forwarding 10.0.7.3, " +
        "set-neighbour 10.244.3.0, add-route 10.244.3.0",
    ],
    [
      "takes all away where nothing is wanted",
      wanting([near], [far]),
      nothingWanted,
      "delete-route 10.244.2.0, delete-route 10.244.3.0, delete-link",
    ],
  ] as const) {
    it(title, () => {
      const { state } = settle(before, nothing);
      expect(verbs(settle(after, state).done)).toBe(expected);
    });
  }

  it("comes to the same end wherever it was killed on the way to something else", () => {
    const ends = [
      wanting([near], [far, further]),
      wanting([near, { ...far, address: "10.0.0.3" }], [further]),
      wanting([], [{ ...far, address: "10.0.9.9" }], { own: path(7, "10.0.0.7") }),
      nothingWanted,
    ];
    for (const first of ends) {
      for (const second of ends) {
        const wanted = seen(settle(second, nothing).state);
        const sorted = (state: PresentRoutes): unknown =>
          Object.entries(seen(state)).map(([key, all]) => [key, all?.toSorted()]);
        const start = settle(first, nothing).state;
        for (let stop = 0; ; stop++) {
          const { state, settled } = settle(second, start, stop);
          const end = settle(second, state).state;
          expect(sorted(end)).toEqual(
            Object.entries(wanted).map(([key, all]) => [key, all?.toSorted()]),
          );
          if (settled) break;
        }
      }
    }
  });
});
