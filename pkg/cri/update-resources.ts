import { writeFile } from "node:fs/promises";
import type { LinuxContainerResources } from "../../api/cri/v1.ts";
import { controllerFolder } from "../linux/cgroup-host.ts";
import { planLimits as planWrites } from "../linux/cgroup-plan.ts";
import type { CriContext } from "./context.ts";
import { planLimits } from "./spec-resources-plan.ts";

/** Changes limits of a cgroup in place. Throws with the file that the kernel refused. */
export async function writeLimits(
  { cgroups }: CriContext,
  path: string,
  resources: LinuxContainerResources,
): Promise<void> {
  for (const write of planWrites(cgroups, planLimits(resources))) {
    const folder = controllerFolder(cgroups, write.controller, path);
    if (folder === undefined) continue;
    const file = `${folder}/${write.file}`;
    await writeFile(file, write.content).catch((cause: unknown) => {
      throw new Error(`write ${JSON.stringify(write.content)} to ${file}`, { cause });
    });
  }
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
