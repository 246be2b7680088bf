import { describe, expect, it } from "vitest";
import { ociSpec, type SpecChanges } from "../../test/builders/oci-spec.ts";
import { capabilityMask, defaultCapabilities } from "../linux/capabilities.ts";
import { formatSyscall } from "../linux/syscall.ts";
import { seccompProgram } from "../linux/seccomp.ts";
import type { ContainerPlan, HostFacts } from "./container-plan.ts";
import { execProcess, planContainerExec } from "./exec-plan.ts";
import { planContainerStart } from "./plan.ts";

const host: HostFacts = {
  architecture: "x64",
  capabilities: capabilityMask(defaultCapabilities),
  lastCapability: 40,
  files: new Set(["/host/hosts"]),
  overlayLayersOneByOne: true,
  cgroup: { style: "v2", hierarchies: [] },
};
const overlay = { lower: ["/layers/2", "/layers/1"], upper: "/c/upper", work: "/c/work" };
const fifo = (name: string) => ({ path: `/c/${name}`, access: "O_RDWR" }) as const;
const stdio = {
  as: "files",
  stdin: { path: "/dev/null", access: "O_RDONLY" },
  stdout: fifo("out"),
  stderr: fifo("err"),
  given: [1, 2],
} as const;

const plan = (changes: SpecChanges, more: Partial<ContainerPlan> = {}): string => {
  const spec = ociSpec("/tskube/a", ["sh", "-c", "true"], changes);
  const { seccomp } = spec.linux ?? {};
  const steps = planContainerStart(
    { spec, overlay, stdio, host, cgroupJoin: ["/sys/fs/cgroup/tskube/a/cgroup.procs"], ...more },
    seccomp === undefined ? undefined : seccompProgram(seccomp, "x64"),
  );
  return `${steps.map(formatSyscall).join("\n")}\n`;
};

describe("a container's tape", () => {
  for (const [name, changes, more] of [
    ["defaults", {}, {}],
    [
      "plain-user",
      {
        process: {
          user: { uid: 1000, gid: 1000, additionalGids: [5, 6], umask: 0o27 },
          capabilities: { bounding: [], ambient: [] },
          rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 2 ** 64 }],
          noNewPrivileges: false,
          cwd: "/home/user",
        },
      },
      {},
    ],
    [
      "pod-member",
      {
        root: { path: "/nowhere", readonly: true },
        mounts: [
          {
            destination: "/etc/hosts",
            type: "bind",
            source: "/host/hosts",
            options: ["rbind", "ro"],
          },
          {
            destination: "/data",
            type: "bind",
            source: "/host/data",
            options: ["rbind", "rro", "rslave", "nosuid"],
          },
        ],
        linux: {
          namespaces: [
            { type: "pid" },
            { type: "network", path: "/run/netns/p" },
            { type: "uts", path: "/run/uts/p" },
            { type: "mount" },
            { type: "cgroup" },
          ],
          sysctl: { "net.ipv4.ip_forward": "1" },
        },
      },
      {},
    ],
    [
      "user-namespace",
      {
        root: { path: "rootfs" },
        mounts: [
          {
            destination: "/data",
            type: "bind",
            source: "/host/data",
            options: ["rbind"],
            uidMappings: [{ containerID: 0, hostID: 65_536, size: 65_536 }],
            gidMappings: [{ containerID: 0, hostID: 131_072, size: 65_536 }],
          },
        ],
        linux: {
          namespaces: [
            { type: "mount" },
            { type: "pid" },
            { type: "user", path: "/run/ns/p/user" },
          ],
          uidMappings: [{ containerID: 0, hostID: 65_536, size: 65_536 }],
          gidMappings: [{ containerID: 0, hostID: 131_072, size: 65_536 }],
        },
      },
      { overlay: { lower: ["/l/2", "/l/1"], upper: "/s/upper", work: "/s/work" } },
    ],
    ["terminal", {}, { stdio: { as: "terminal", socket: 9, width: 80, height: 24 } }],
    [
      "hybrid-old-kernel",
      {},
      {
        host: {
          ...host,
          overlayLayersOneByOne: false,
          cgroup: {
            style: "hybrid",
            hierarchies: [
              { mount: "/sys/fs/cgroup/memory", controllers: ["memory"] },
              { mount: "/sys/fs/cgroup/systemd", controllers: ["name=systemd"] },
            ],
          },
        },
      },
    ],
  ] as const satisfies readonly (readonly [string, SpecChanges, Partial<ContainerPlan>])[]) {
    it(`is as a kernel person reviewed it: ${name}`, async () => {
      await expect(plan(changes, more)).toMatchFileSnapshot(`testdata/start-${name}.txt`);
    });
  }

  for (const [title, changes, message] of [
    ["no arguments", { process: { args: [] } }, "process.args is empty"],
    ["a relative cwd", { process: { cwd: "home" } }, "process.cwd is not an absolute path"],
    [
      "a user namespace",
      { linux: { namespaces: [{ type: "mount" }, { type: "user" }] } },
      'a new one in linux.namespaces of type "user" is not supported',
    ],
    [
      "a volume shifted otherwise than its container",
      {
        mounts: [
          {
            destination: "/data",
            type: "bind",
            source: "/x",
            uidMappings: [{ containerID: 0, hostID: 9, size: 1 }],
          },
        ],
      },
      "mount of /data maps ids otherwise than its container",
    ],
    ["the host's mounts", { linux: { namespaces: [] } }, "linux.namespaces lacks mount"],
    ["a sysctl that climbs", { linux: { sysctl: { "net/../x": "1" } } }, "bad name"],
    ["an unknown limit", { process: { rlimits: [{ type: "X", soft: 1, hard: 1 }] } }, "limit X"],
  ] as const) {
    it(`refuses ${title}`, () => {
      expect(() => plan(changes)).toThrow(message);
    });
  }
});

it("an exec's tape enters all namespaces at once", async () => {
  const spec = ociSpec("/tskube/a", ["sleep"]);
  const process = execProcess(spec, { cwd: "/", args: ["/bin/true"] });
  const steps = planContainerExec(
    {
      pidfd: 8,
      spec,
      process,
      host,
      stdio: { as: "descriptors", stdin: 10, stdout: 11, stderr: 12, given: [1, 2] },
      cgroupJoin: ["/sys/fs/cgroup/tskube/a/cgroup.procs"],
    },
    undefined,
  );
  const text = `${steps.map(formatSyscall).join("\n")}\n`;
  await expect(text).toMatchFileSnapshot("testdata/exec.txt");
});
