import { describe, expect, it } from "vitest";
import { MountPropagation, NamespaceMode, SupplementalGroupsPolicy } from "../../api/cri/v1.ts";
import type { ContainerConfig, LinuxContainerSecurityContext } from "../../api/cri/v1.ts";
import type { SpecInput } from "./spec-input.ts";
import { planSpec } from "./spec-plan.ts";
import { planArgs, planCapabilities, planEnv, planGroups } from "./spec-process-plan.ts";
import { planLimits } from "./spec-resources-plan.ts";

const input = (config: ContainerConfig, more: Partial<SpecInput> = {}): SpecInput => ({
  id: "c".repeat(64),
  sandboxId: "5".repeat(64),
  config: { metadata: { name: "web" }, image: { image: "nginx" }, ...config },
  sandbox: {
    metadata: { name: "pod", namespace: "default", uid: "u1" },
    hostname: "pod",
    linux: { cgroupParent: "/kubepods/podu1" },
  },
  image: {
    os: "linux",
    architecture: "amd64",
    diffIds: [],
    config: {
      user: "",
      env: ["PATH=/bin", "FROM=image"],
      entrypoint: ["/entry"],
      cmd: ["default"],
      workingDir: "/srv",
      labels: {},
      stopSignal: "",
      volumes: [],
      exposedPorts: [],
    },
  },
  user: { uid: 0, gid: 0, memberOf: [], home: "/root" },
  paths: {
    hosts: "/s/hosts",
    resolvConf: "/s/resolv.conf",
    hostname: "/s/hostname",
    shm: "/r/shm",
    network: "/r/ns/network",
    ipc: "/r/ns/ipc",
    uts: "/r/ns/uts",
  },
  host: {
    cgroup: "v2",
    hostname: "node",
    userNamespaces: true,
    allCapabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"],
  },
  devices: [],
  imageMounts: {},
  ...more,
});

const secured = (securityContext: LinuxContainerSecurityContext): ContainerConfig => ({
  linux: { securityContext },
});

const golden = async (name: string, planned: object): Promise<void> =>
  await expect(`${JSON.stringify(planned, null, 2)}\n`).toMatchFileSnapshot(
    `testdata/spec-${name}.json`,
  );

describe("planSpec", () => {
  it("plans a plain container", async () => await golden("plain", planSpec(input({}))));

  it("plans one in a user namespace of its pod", () => {
    const range = [{ containerId: 0, hostId: 65_536, length: 65_536 }];
    const usernsOptions = { uids: range, gids: range };
    const mount = { containerPath: "/data", hostPath: "/h", uidMappings: range };
    const plain = input({ mounts: [mount] });
    const securityContext = { namespaceOptions: { usernsOptions } };
    const spec = planSpec({
      ...plain,
      sandbox: { ...plain.sandbox, linux: { ...plain.sandbox.linux, securityContext } },
      paths: { ...plain.paths, user: "/r/ns/user" },
    });
    const mapped = [{ containerID: 0, hostID: 65_536, size: 65_536 }];
    expect(spec.linux).toMatchObject({ uidMappings: mapped, gidMappings: mapped });
    expect(spec.linux?.namespaces).toContainEqual({ type: "user", path: "/r/ns/user" });
    expect(spec.mounts).toContainEqual(
      expect.objectContaining({ destination: "/data", uidMappings: mapped }),
    );
    const terminals = spec.mounts?.find(({ type }) => type === "devpts");
    expect(terminals?.options).toContain("gid=65541");
  });

  it("plans a limited, unprivileged one", async () => {
    const config: ContainerConfig = {
      command: ["/bin/sh"],
      args: ["-c", "true"],
      tty: true,
      mounts: [
        { containerPath: "/data/below", hostPath: "/h/2", readonly: true },
        {
          containerPath: "/data",
          hostPath: "/h/1",
          propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
        },
        { containerPath: "/etc/hosts", hostPath: "/kubelet/hosts" },
      ],
      linux: {
        resources: {
          cpuShares: 512n,
          cpuQuota: 50_000n,
          cpuPeriod: 100_000n,
          memoryLimitInBytes: 1048576n,
          oomScoreAdj: 999n,
        },
        securityContext: {
          readonlyRootfs: true,
          noNewPrivs: true,
          capabilities: { dropCapabilities: ["ALL"], addCapabilities: ["NET_BIND_SERVICE"] },
          supplementalGroups: [7n],
        },
      },
    };
    const user = { uid: 33, gid: 33, memberOf: [50], home: "/var/www" };
    await golden("limited", planSpec(input(config, { user })));
  });

  it("plans a privileged one on the host's namespaces", async () => {
    const config = secured({ privileged: true, namespaceOptions: { pid: NamespaceMode.NODE } });
    const { hosts, resolvConf, hostname } = input({}).paths;
    const paths = { hosts, resolvConf, hostname, shm: "/dev/shm" };
    const device = {
      path: "/dev/fuse",
      type: "c",
      major: 10,
      minor: 229,
      fileMode: 0o666,
      uid: 0,
      gid: 0,
      access: "rwm",
    } as const;
    await golden("privileged", planSpec(input(config, { paths, devices: [device] })));
  });

  it.each([
    ["no host path", { mounts: [{ containerPath: "/x" }] }],
    ["dots", { mounts: [{ containerPath: "/x/../..", hostPath: "/h" }] }],
    ["the root", { mounts: [{ containerPath: "/", hostPath: "/h" }] }],
    [
      "a recursive read-only mount that is writable",
      { mounts: [{ containerPath: "/x", hostPath: "/h", recursiveReadOnly: true }] },
    ],
  ])("refuses a mount with %s", (_name, config) => {
    expect(() => planSpec(input(config))).toThrow(/mount/);
  });
});

describe("planArgs", () => {
  it.each([
    [{}, ["/entry", "default"]],
    [{ args: ["a"] }, ["/entry", "a"]],
    [{ command: ["c"] }, ["c"]],
    [{ command: ["c"], args: ["a"] }, ["c", "a"]],
  ])("%j runs %j", (config, args) => expect(planArgs(input(config))).toEqual(args));

  it("needs something to run", () => {
    const base = input({});
    const config = { ...base.image.config, entrypoint: [], cmd: [] };
    expect(() => planArgs({ ...base, image: { ...base.image, config } })).toThrow("no command");
  });
});

it("lets the container's variables win over the image's, and those over defaults", () => {
  const envs = [{ key: "FROM", value: Buffer.from("pod=x") }];
  expect(planEnv(input({ envs }))).toEqual([
    "PATH=/bin",
    "HOSTNAME=pod",
    "HOME=/root",
    "FROM=pod=x",
  ]);
});

describe("planCapabilities", () => {
  const bounding = (security: LinuxContainerSecurityContext) =>
    planCapabilities(input(secured(security))).bounding ?? [];

  it("gives the default fourteen", () => expect(bounding({})).toHaveLength(14));

  it.each([
    [{ dropCapabilities: ["ALL"] }, []],
    [{ dropCapabilities: ["ALL"], addCapabilities: ["kill"] }, ["CAP_KILL"]],
    [{ dropCapabilities: ["all"], addCapabilities: ["CAP_KILL"] }, ["CAP_KILL"]],
  ])("%j", (capabilities, names) => expect(bounding({ capabilities })).toEqual(names));

  it("drops one, adds all", () => {
    expect(bounding({ capabilities: { dropCapabilities: ["MKNOD"] } })).not.toContain("CAP_MKNOD");
    const all = bounding({ capabilities: { addCapabilities: ["ALL"] } });
    expect(all).toContain("CAP_SYS_ADMIN");
  });

  it("makes ambient ones inheritable and permitted", () => {
    const security = { capabilities: { addAmbientCapabilities: ["NET_ADMIN"] } };
    const planned = planCapabilities(input(secured(security)));
    expect(planned.ambient).toEqual(["CAP_NET_ADMIN"]);
    expect(planned.inheritable).toEqual(["CAP_NET_ADMIN"]);
    expect(planned.permitted).toContain("CAP_NET_ADMIN");
  });
});

it.each([
  [SupplementalGroupsPolicy.Merge, [33, 50, 7]],
  [SupplementalGroupsPolicy.Strict, [33, 7]],
])("policy %i gives the groups %j", (supplementalGroupsPolicy, groups) => {
  const config = secured({ supplementalGroups: [7n, 33n], supplementalGroupsPolicy });
  const user = { uid: 33, gid: 33, memberOf: [50], home: "/" };
  expect(planGroups(input(config, { user }))).toEqual(groups);
});

it("takes zero for not set, and keeps -1", () => {
  expect(planLimits({ cpuQuota: -1n, cpuShares: 0n, memoryLimitInBytes: 0n })).toEqual({
    cpu: { quota: -1 },
  });
});
