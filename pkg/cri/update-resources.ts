import type { LinuxContainerResources } from "../../api/cri/v1.ts";
import { updateCgroup } from "../linux/cgroup.ts";
import type { CriContext } from "./context.ts";
import { planLimits } from "./spec-resources-plan.ts";

/** Changes limits of a cgroup in place. Throws with what the kernel refused. */
export function writeLimits(
  { kernel, cgroups }: CriContext,
  path: string,
  resources: LinuxContainerResources,
): void {
  updateCgroup(kernel, cgroups, path, planLimits(resources));
}

/** New limits over old ones: what is not set stays. */
export const mergeResources = (
  old: LinuxContainerResources,
  change: LinuxContainerResources,
): LinuxContainerResources => ({
  ...old,
  ...Object.fromEntries(Object.entries(change).filter(([, value]) => !isUnset(value))),
});

const isUnset = (value: unknown): boolean =>
  value === undefined ||
  value === 0n ||
  value === "" ||
  (typeof value === "object" && value !== null && Object.keys(value).length === 0);
