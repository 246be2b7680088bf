import type { DeviceRule, Spec } from "../../api/oci/runtime.ts";

/** What every container may use whatever else is refused: its own /dev, and making nodes. */
const always: readonly DeviceRule[] = [
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
  ].map(([major = 0, minor = 0]) => ({
    allow: true,
    type: "c",
    major,
    minor,
    access: "rwm",
  })),
  { allow: true, type: "c", major: 136, access: "rwm" },
];

/** The rules of the container's device cgroup, in order. None asked for: all is allowed. */
export function deviceRules(spec: Spec): readonly DeviceRule[] {
  const asked = spec.linux?.resources?.devices ?? [];
  return asked.some(({ allow }) => !allow) ? [...asked, ...always] : asked;
}
