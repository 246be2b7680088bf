import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { isManifestName, parseStaticPod } from "./static-pod.ts";

const facts = { nodeName: "Node-1", path: "/manifests/web.yaml", seenAt: "2026-01-01T00:00:00Z" };
const good =
  "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: b}]}\n";

describe("a static pod's manifest", () => {
  it("becomes a pod of this node", () => {
    const { metadata, spec } = parseStaticPod(good, facts);
    assert.equal(metadata?.name, "web-node-1");
    assert.equal(metadata?.namespace, "default");
    assert.equal(metadata?.annotations?.["kubernetes.io/config.source"], "file");
    assert.equal(metadata?.annotations?.["kubernetes.io/config.hash"], metadata?.uid);
    assert.equal(spec.nodeName, "Node-1");
    assert.deepEqual(spec.tolerations, [{ operator: "Exists", effect: "NoExecute" }]);
  });

  it("keeps its uid until its text means something else", () => {
    const uid = (text: string, more = {}): string | undefined =>
      parseStaticPod(text, { ...facts, ...more }).metadata?.uid;
    assert.equal(uid(good), uid(`# a remark\n${good}`, { seenAt: "2027-01-01T00:00:00Z" }));
    assert.notEqual(uid(good), uid(good.replace("image: b", "image: c")));
    assert.notEqual(uid(good), uid(good, { path: "/manifests/other.yaml" }));
  });

  it("may be JSON", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "j" },
      spec: { containers: [{ name: "a", image: "b" }] },
    };
    assert.equal(parseStaticPod(JSON.stringify(pod), facts).metadata?.name, "j-node-1");
  });

  it("is read as kubectl would read it: YAML 1.1", () => {
    const text = good.replace("{name: a, image: b}", "{name: a, image: b, tty: yes}");
    assert.equal(parseStaticPod(text, facts).spec?.containers[0]?.tty, true);
  });

  for (const [title, text, message] of [
    ["that is no YAML", "a: [\n", /^\/manifests\/web.yaml:\d+:\d+: /],
    ["that is empty", "", /the file is empty/],
    ["of another kind", "apiVersion: v1\nkind: Secret\n", /expected kind Pod of v1, found Secret/],
    ["without a name", good.replace("name: web", "labels: {}"), /metadata.name: Required value/],
    ["with a bad name", good.replace("name: web", "name: A_b"), /metadata.name: Invalid value/],
    [
      "without containers",
      good.replace("[{name: a, image: b}]", "[]"),
      /spec.containers: Required/,
    ],
    ["without an image", good.replace(", image: b", ""), /spec.containers\[0\].image: Required/],
    ["of two pods", `${good}---\n${good}`, /one pod a file/],
  ] as const)
    it(`is refused ${title}`, () => assert.throws(() => parseStaticPod(text, facts), { message }));

  it("is recognised by its name", () => {
    const names = [
      "a.yaml",
      "a.yml",
      "a.json",
      ".a.yaml",
      "a.yaml~",
      "a.yaml.swp",
      "#a.yaml#",
      "4913",
      "a.txt",
    ];
    assert.deepEqual(names.filter(isManifestName), ["a.yaml", "a.yml", "a.json"]);
  });
});
