import { expect, it } from "vitest";
import { needsPause, planPause } from "./pause-plan.ts";

it("joins the pod's namespaces but for the pid namespace, which it makes", () => {
  const paths = { hosts: "", resolvConf: "", hostname: "", shm: "", network: "/n", ipc: "/i" };
  const spec = planPause({ id: "a", root: "/p", cgroupParent: "/pods/x", paths });
  expect(spec.linux?.namespaces).toEqual([
    { type: "mount" },
    { type: "pid" },
    { type: "network", path: "/n" },
    { type: "ipc", path: "/i" },
  ]);
  expect(spec.linux?.cgroupsPath).toBe("/pods/x/a");
});

it.each([
  [undefined, true],
  [0, true],
  [1, false],
  [2, false],
] as const)("pid mode %s needs one: %s", (pid, needs) => {
  const namespaceOptions = pid === undefined ? {} : { pid };
  expect(needsPause({ linux: { securityContext: { namespaceOptions } } })).toBe(needs);
});
