import { expect, it } from "vitest";
import { ruleRows } from "./rule-rows.ts";

it("tells what several rules allow of a resource together, those who may most first", () => {
  const rows = ruleRows({
    incomplete: false,
    resourceRules: [
      { verbs: ["get"], apiGroups: [""], resources: ["pods", "pods/log"] },
      { verbs: ["list", "get"], apiGroups: [""], resources: ["pods"] },
      { verbs: ["get"], apiGroups: ["apps"], resources: ["deployments/scale"] },
      { verbs: ["get"], apiGroups: [""], resources: ["pods"], resourceNames: ["a", "b"] },
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
    ],
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/livez", "/healthz"] }],
  });
  expect(rows).toEqual([
    ["*.*", "[]", "[]", "[*]"],
    ["pods", "[]", "[]", "[get list]"],
    ["", "[/healthz]", "[]", "[get]"],
    ["", "[/livez]", "[]", "[get]"],
    ["deployments.apps/scale", "[]", "[]", "[get]"],
    ["pods", "[]", "[a b]", "[get]"],
    ["pods/log", "[]", "[]", "[get]"],
  ]);
});

it("has nothing for somebody who may nothing", () => expect(ruleRows(undefined)).toEqual([]));
