import type { Syscall } from "../linux/syscall.ts";
import { hasNamespace, type ContainerPlan } from "./container-plan.ts";
import type { MountOptions } from "./mount-options-plan.ts";
import { planFolder } from "./places-plan.ts";

/**
 * /sys/fs/cgroup as the container sees it: v2's tree where the host has only that, otherwise a
 * small tmpfs with one folder a v1 hierarchy. In a cgroup namespace each shows the container's own
 * cgroup as its root; without one nothing is shown: the host's whole tree is nobody's business.
 */
export function planCgroupView(
  { spec, host: { cgroup } }: ContainerPlan,
  destination: string,
  { flags }: MountOptions,
): readonly Syscall[] {
  const place = planFolder(destination);
  if (!hasNamespace(spec, "cgroup")) {
    const data = "mode=755,size=0k";
    return [...place, mount("tmpfs", destination, "tmpfs", flags, data)];
  }
  if (cgroup.style === "v2") return [...place, mount("cgroup", destination, "cgroup2", flags, "")];
  const writable = flags.filter((one) => one !== "MS_RDONLY");
  return [
    ...place,
    mount("tmpfs", destination, "tmpfs", writable, "mode=755"),
    ...cgroup.hierarchies.flatMap(({ controllers }) => {
      const names = controllers.join(",");
      const folder = `${destination}/${names.replace(/^name=/, "")}`;
      const data = names.startsWith("name=") ? `none,${names}` : names;
      return [...planFolder(folder), mount("cgroup", folder, "cgroup", flags, data)];
    }),
    ...(cgroup.style === "hybrid"
      ? [
          ...planFolder(`${destination}/unified`),
          mount("cgroup", `${destination}/unified`, "cgroup2", flags, ""),
        ]
      : []),
    ...(flags.includes("MS_RDONLY")
      ? [mount("", destination, "", ["MS_REMOUNT", "MS_BIND", ...flags], "")]
      : []),
  ];
}

const mount = (
  source: string,
  target: string,
  type: string,
  flags: MountOptions["flags"],
  data: string,
): Syscall => ({
  call: "mount",
  args: [source, target, type, flags, data === "" ? 0 : data],
  because: "the container sees its own cgroup and no other",
});
