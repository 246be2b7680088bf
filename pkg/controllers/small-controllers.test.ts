import { describe, expect, it } from "vitest";
import { aggregatedRules } from "./cluster-role-aggregation.ts";
import { controllers } from "./controllers.ts";
import { assertClaimsAreSingle } from "../controller/run-programs.ts";
import { selects } from "./label-selector.ts";
import { slowStart } from "./slow-start.ts";

describe("aggregatedRules", () => {
  const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
  const role = (name: string, labels: Record<string, string>, resource: string) => ({
    metadata: { name, labels },
    rules: [rule(resource)],
  });
  it("takes the rules of selected roles in order of name, each once, never its own", () => {
    const view = {
      metadata: { name: "view", labels: { to: "view" } },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: "view" } }] },
      rules: [rule("own")],
    };
    const all = [view, role("b", { to: "view" }, "pods"), role("a", { to: "view" }, "secrets")];
    const others = [role("c", { to: "view" }, "pods"), role("d", { to: "edit" }, "nodes")];
    expect(aggregatedRules(view, [...all, ...others])).toEqual([rule("secrets"), rule("pods")]);
  });
});

describe("slowStart", () => {
  const batches = async (count: number, failAt: number) => {
    let calls = 0;
    const outcome = await slowStart(count, async () => {
      calls += 1;
      if (calls === failAt) throw new Error("quota");
    }).catch((error: unknown) => error);
    return { calls, failed: outcome instanceof Error };
  };
  it("tries one, two, four … and stops with the batch that failed", async () => {
    expect(await batches(10, 0)).toEqual({ calls: 10, failed: false });
    expect(await batches(10, 1)).toEqual({ calls: 1, failed: true });
    expect(await batches(10, 2)).toEqual({ calls: 3, failed: true });
    expect(await batches(10, 5)).toEqual({ calls: 7, failed: true });
  });
});

describe("selects", () => {
  it("never takes an empty selector for everything", () => {
    expect(selects({}, { a: "b" })).toBe(false);
    expect(selects(undefined, { a: "b" })).toBe(false);
    expect(selects({ matchLabels: { a: "b" } }, { a: "b", c: "d" })).toBe(true);
  });
});

describe("the list of controllers", () => {
  it("has no two that write the same thing, and finds two that do", () => {
    const programs = controllers({ rootCa: "" });
    expect(() => assertClaimsAreSingle(programs)).not.toThrow();
    const [first] = programs;
    expect(() => assertClaimsAreSingle([...programs, { ...first!, name: "other" }])).toThrow(
      /both claim to write/,
    );
  });
});
