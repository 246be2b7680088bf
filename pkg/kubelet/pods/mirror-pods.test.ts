import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Pod } from "../../../api/core/v1.ts";
import { mirrorOf, planMirrors, type MirrorChange } from "./mirror-pods.ts";
import { parseStaticPod } from "./static-pod.ts";

const pod = (name: string, image = "b"): Pod =>
  parseStaticPod(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { containers: [{ name: "a", image }] },
    }),
    { nodeName: "n", path: `/m/${name}.json`, seenAt: "2026-01-01T00:00:00Z" },
  );
const node = { metadata: { name: "n", uid: "node-uid" } };
const mirror = (of: Pod, more: Pod["metadata"] = {}): Pod => {
  const made = mirrorOf(of, node);
  return { ...made, metadata: { ...made.metadata, uid: "mirror-uid", ...more } };
};
const say = (change: MirrorChange): string =>
  change.do === "create"
    ? `create ${change.pod.metadata?.name}`
    : `delete ${change.mirror.metadata?.name}`;

describe("mirrors", () => {
  for (const [title, statics, mirrors, changes] of [
    ["are made where there are none", [pod("a")], [], ["create a-n"]],
    ["are left alone when true", [pod("a")], [mirror(pod("a"))], []],
    ["go with their pods", [], [mirror(pod("a"))], ["delete a-n"]],
    ["of another version go first", [pod("a", "new")], [mirror(pod("a"))], ["delete a-n"]],
    [
      "that somebody deletes are helped on",
      [pod("a")],
      [mirror(pod("a"), { deletionTimestamp: "2026-01-01T00:00:00Z" })],
      ["delete a-n"],
    ],
  ] as const)
    it(title, () => assert.deepEqual(planMirrors(statics, mirrors).map(say), changes));

  it("belong to the node and carry the pod's hash", () => {
    const { metadata } = mirrorOf(pod("a"), node);
    assert.equal(metadata?.uid, undefined);
    assert.equal(metadata?.ownerReferences?.[0]?.uid, "node-uid");
    assert.equal(metadata?.annotations?.["kubernetes.io/config.mirror"], pod("a").metadata?.uid);
  });
});
