import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { PodStatus } from "../../../api/core/v1.ts";
import { statusPatch } from "./status-patch.ts";

const ready = { type: "Ready", status: "True", lastTransitionTime: "t" };
const unready = { type: "Ready", status: "False", reason: "No", message: "not yet" };

describe("statusPatch", () => {
  for (const [title, before, now, patch] of [
    ["is nothing when nothing changed", { phase: "Running" }, { phase: "Running" }, undefined],
    [
      "does not mind the order of keys",
      { containerStatuses: [{ ready: true, name: "a", restartCount: 0, image: "", imageID: "" }] },
      { containerStatuses: [{ name: "a", ready: true, imageID: "", image: "", restartCount: 0 }] },
      undefined,
    ],
    ["is all of it at first", undefined, { phase: "Pending" }, { phase: "Pending" }],
    ["takes back what is no more", { reason: "Evicted" }, {}, { reason: null }],
    [
      "replaces addresses",
      { podIP: "1", podIPs: [{ ip: "1" }] },
      { podIP: "2", podIPs: [{ ip: "2" }] },
      { podIP: "2", podIPs: [{ ip: "2" }, { $patch: "replace" }] },
    ],
    [
      "leaves others' conditions alone",
      { conditions: [ready, { type: "Mine", status: "True" }] },
      { conditions: [ready] },
      undefined,
    ],
    [
      "takes back what a condition said",
      { conditions: [unready] },
      { conditions: [ready] },
      { conditions: [{ ...ready, reason: null, message: null }] },
    ],
  ] as readonly (readonly [string, PodStatus | undefined, PodStatus, unknown])[])
    it(title, () => assert.deepEqual(statusPatch(before, now), patch));
});
