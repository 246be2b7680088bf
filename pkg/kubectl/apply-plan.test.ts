import { describe, expect, it } from "vitest";
import { lastAppliedKey, planApply, withLastApplied } from "./apply-plan.ts";

const deployment = (image: string, env: readonly { name: string; value: string }[] = []) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: { template: { spec: { containers: [{ name: "c", image, env }] } } },
});
/** As the server has it after an apply: with defaults, and a sidecar that somebody else added. */
const live = (applied: ReturnType<typeof deployment>) => {
  const object = withLastApplied(applied) as ReturnType<typeof deployment>;
  const [container] = object.spec.template.spec.containers;
  const containers = [
    { ...container, terminationMessagePath: "/dev/termination-log" },
    { name: "sidecar", image: "s" },
  ];
  return {
    ...object,
    spec: { replicas: 1, template: { spec: { containers, dnsPolicy: "ClusterFirst" } } },
  };
};

describe("planApply", () => {
  it("sends nothing when nothing changed", () => {
    expect(planApply(deployment("a"), live(deployment("a")))).toBeUndefined();
  });

  it("merges lists by their key and leaves other writers' fields alone", () => {
    const patch = planApply(deployment("b"), live(deployment("a")));
    expect(patch?.contentType).toBe("application/strategic-merge-patch+json");
    const { spec } = (patch?.body ?? {}) as { spec?: unknown };
    expect(JSON.stringify(spec)).toContain('"image":"b"');
    expect(JSON.stringify(spec)).not.toContain('sidecar","image');
    expect(JSON.stringify(spec)).not.toContain("dnsPolicy");
  });

  it("takes out what was applied before and is not any more", () => {
    const before = deployment("a", [{ name: "GONE", value: "1" }]);
    const patch = planApply(deployment("a"), live(before));
    expect(JSON.stringify(patch?.body)).toContain(
      '"$patch":"delete","name":"GONE"'.split(",")[0] ?? "",
    );
    expect(JSON.stringify(patch?.body)).toContain("GONE");
  });

  it("falls back to a JSON merge patch for kinds without a schema", () => {
    const custom = (size: number) => ({
      apiVersion: "example.org/v1",
      kind: "Widget",
      metadata: { name: "w" },
      spec: { size },
    });
    const patch = planApply(custom(2), withLastApplied(custom(1)));
    expect(patch?.contentType).toBe("application/merge-patch+json");
    expect(patch?.body).toMatchObject({ spec: { size: 2 } });
  });
});

it("the annotation holds the manifest without itself", () => {
  const once = withLastApplied(deployment("a"));
  expect(withLastApplied(once as never)).toEqual(once);
  const text = once.metadata?.annotations?.[lastAppliedKey] ?? "";
  expect(JSON.parse(text)).toMatchObject({
    kind: "Deployment",
    metadata: { name: "web", annotations: {} },
  });
});
