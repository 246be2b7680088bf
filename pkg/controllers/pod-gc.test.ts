import { expect, it } from "vitest";
import { judgePod } from "./pod-gc.ts";
import { node, pod } from "./testing/objects.ts";

const outOfService = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }];

for (const [title, judged, there, expected] of [
  [
    "keeps a pod on its node",
    pod("a", { node: "n" }),
    node("n", { ready: "True" }),
    { do: "keep" },
  ],
  ["keeps one that waits for a node", pod("a"), undefined, { do: "keep" }],
  [
    "deletes one that ends without ever having had a node",
    pod("a", { deleting: true }),
    undefined,
    { do: "delete", because: "unscheduled" },
  ],
  [
    "puts one of a missing node into quarantine",
    pod("a", { node: "n" }),
    undefined,
    { do: "quarantine" },
  ],
  [
    "leaves an ending one to its kubelet",
    pod("a", { node: "n", deleting: true }),
    node("n", { ready: "Unknown" }),
    { do: "keep" },
  ],
  [
    "deletes an ending one of a node that is out of service",
    pod("a", { node: "n", deleting: true }),
    node("n", { ready: "Unknown", taints: outOfService }),
    { do: "delete", because: "out-of-service" },
  ],
] as const)
  it(title, () => expect(judgePod(judged, there)).toEqual(expected));
