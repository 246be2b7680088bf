import { describe, expect, it } from "vitest";
import { cgroupFolders, controllerFolder, parseCgroupHost } from "./cgroup-host.ts";

const v1 = (name: string, options: string): string =>
  `32 31 0:29 / /sys/fs/cgroup/${name} rw,relatime - cgroup cgroup rw,${options}`;
const v2 = (mount: string): string =>
  `41 31 0:38 / ${mount} rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate`;

describe("cgroup mounts", () => {
  it("are v2", () => {
    const host = parseCgroupHost(v2("/sys/fs/cgroup"), () => "cpu memory pids\n");
    expect(host.style).toBe("v2");
    expect(controllerFolder(host, "memory", "/a")).toBe("/sys/fs/cgroup/a");
    expect(controllerFolder(host, "hugetlb", "/a")).toBeUndefined();
  });

  it("are v1, with controllers mounted together and a named hierarchy", () => {
    const host = parseCgroupHost(
      [v1("cpu,cpuacct", "cpu,cpuacct"), v1("systemd", "xattr,name=systemd")].join("\n"),
      () => "",
    );
    expect(host.style).toBe("v1");
    expect(host.hierarchies.map(({ controllers }) => controllers)).toEqual([
      ["cpu", "cpuacct"],
      ["name=systemd"],
    ]);
    expect(controllerFolder(host, "cpuacct", "/a/b")).toBe("/sys/fs/cgroup/cpu,cpuacct/a/b");
  });

  it("are hybrid, and every hierarchy counts", () => {
    const text = [v1("memory", "memory"), v2("/sys/fs/cgroup/unified")].join("\n");
    const host = parseCgroupHost(text, () => "");
    expect(host.style).toBe("hybrid");
    expect(cgroupFolders(host, "/x")).toEqual([
      "/sys/fs/cgroup/memory/x",
      "/sys/fs/cgroup/unified/x",
    ]);
  });

  it("are missing", () => {
    expect(() => parseCgroupHost("", () => "")).toThrow("no cgroup file system");
  });
});
