import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { KubeObject } from "../../../api/resource.ts";
import { pods } from "../../../api/resources.ts";
import type { Resource } from "../resource.ts";
import { type DeletionRequest, isFinished, planDeletion } from "./deletion-plan.ts";

const plain: Resource = {
  ref: pods,
  storagePrefix: "/registry/pods",
  columns: [],
  nameRule: "dns-subdomain",
};
const graceful: Resource = { ...plain, gracePeriodSeconds: () => 30 };
const orphaning: Resource = { ...plain, defaultPropagation: "Orphan" };
const now = Date.UTC(2026, 0, 1);

/** "remove", "nothing", or the grace and finalizers that are written. */
function planned(resource: Resource, object: KubeObject, request: DeletionRequest): string {
  const deletion = planDeletion(resource, object, request, now);
  if (deletion.do !== "mark") return deletion.do;
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } =
    deletion.object.metadata ?? {};
  return `${deletionTimestamp} ${deletionGracePeriodSeconds}s [${finalizers?.join(",") ?? ""}]`;
}

const none: KubeObject = { metadata: { name: "x" } };
const held: KubeObject = { metadata: { name: "x", finalizers: ["a/b"] } };
const leaving: KubeObject = {
  metadata: {
    name: "x",
    deletionTimestamp: "2026-01-01T00:00:30Z",
    deletionGracePeriodSeconds: 30,
  },
};

describe("what a delete does", () => {
  for (const [title, resource, object, request, expected] of [
    ["goes at once", plain, none, {}, "remove"],
    ["knows no grace", plain, none, { gracePeriodSeconds: 10 }, "remove"],
    ["is held by a finalizer", plain, held, {}, "2026-01-01T00:00:00Z 0s [a/b]"],
    [
      "waits for its dependents",
      plain,
      none,
      { propagationPolicy: "Foreground" },
      "2026-01-01T00:00:00Z 0s [foregroundDeletion]",
    ],
    [
      "lets its dependents go first by default",
      orphaning,
      none,
      {},
      "2026-01-01T00:00:00Z 0s [orphan]",
    ],
    ["takes its dependents along", orphaning, none, { propagationPolicy: "Background" }, "remove"],
    [
      "takes them along, as said in the old way",
      orphaning,
      none,
      { orphanDependents: false },
      "remove",
    ],
    ["gets its own grace", graceful, none, {}, "2026-01-01T00:00:30Z 30s []"],
    [
      "gets the grace asked for",
      graceful,
      none,
      { gracePeriodSeconds: 5 },
      "2026-01-01T00:00:05Z 5s []",
    ],
    [
      "gets one second for a negative one",
      graceful,
      none,
      { gracePeriodSeconds: -1 },
      "2026-01-01T00:00:01Z 1s []",
    ],
    ["goes at once when told", graceful, none, { gracePeriodSeconds: 0 }, "remove"],
    ["is leaving already", graceful, leaving, {}, "nothing"],
    ["is not given more time", graceful, leaving, { gracePeriodSeconds: 60 }, "nothing"],
    [
      "is given less time",
      graceful,
      leaving,
      { gracePeriodSeconds: 5 },
      "2026-01-01T00:00:05Z 5s []",
    ],
    ["has left", graceful, leaving, { gracePeriodSeconds: 0 }, "remove"],
  ] as const) {
    it(title, () => assert.equal(planned(resource, object, request), expected));
  }
});

describe("an object that is being deleted is finished", () => {
  const marked = (metadata: KubeObject["metadata"]): KubeObject => ({
    metadata: { deletionTimestamp: "2026-01-01T00:00:00Z", ...metadata },
  });
  for (const [title, object, expected] of [
    ["when nothing holds it", marked({}), true],
    ["not while it has finalizers", marked({ finalizers: ["a/b"] }), false],
    ["not while it has time", marked({ deletionGracePeriodSeconds: 30 }), false],
    ["not when it is not being deleted", none, false],
  ] as const) {
    it(title, () => assert.equal(isFinished(plain, object), expected));
  }
});
