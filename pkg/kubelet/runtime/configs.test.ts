import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Container, Pod } from "../../../api/core/v1.ts";
import { NamespaceMode, ProfileType } from "../../../api/cri/v1.ts";
import { containersOf } from "../pods/pod-spec.ts";
import { testPod, testSettings } from "../testing/worker-bench.ts";
import { amountOf, millisOf, unitsOf } from "./amounts.ts";
import { containerConfig } from "./container-config.ts";
import { containerResources, podResources } from "./linux-resources.ts";
import { cgroupParentOf, oomScoreAdjOf, qosOf } from "./qos.ts";
import { dnsConfigOf, hostnameOf, sandboxConfig } from "./sandbox-config.ts";

const GiB = 2 ** 30;
const limited = (limits: Record<string, string>, requests?: Record<string, string>): Pod =>
  testPod("a", { containers: [{ resources: { limits, ...(requests && { requests }) } }] });
const first = (pod: Pod): Container => pod.spec.containers[0]!;

describe("amounts", () => {
  for (const [text, value] of [
    ["1", 1],
    ["100m", 0.1],
    ["1.5Gi", 1.5 * GiB],
    ["1k", 1000],
    ["1e3", 1000],
    ["2E", 2e18],
    ["64Mi", 64 * 2 ** 20],
  ] as const)
    it(`${text} is ${value}`, () => assert.equal(amountOf(text), value));

  it("are rounded up, not fooled by fractions, and zero is none", () => {
    assert.equal(millisOf({ cpu: "0.1234" }, "cpu"), 124);
    assert.equal(millisOf({ cpu: "1.1" }, "cpu"), 1100);
    assert.equal(unitsOf({ memory: "0" }, "memory"), undefined);
    assert.throws(() => amountOf("much"));
  });
});

describe("a pod's class", () => {
  for (const [title, pod, qos, parent, score] of [
    ["without requests", testPod("a"), "BestEffort", "/kubepods/besteffort/poduid-a", 1000],
    [
      "with equal limits",
      limited({ cpu: "1", memory: "1Gi" }),
      "Guaranteed",
      "/kubepods/poduid-a",
      -997,
    ],
    ["with some", limited({}, { memory: "2Gi" }), "Burstable", "/kubepods/burstable/poduid-a", 750],
  ] as const)
    it(title, () => {
      assert.equal(qosOf(pod), qos);
      assert.equal(cgroupParentOf(pod, ""), parent);
      assert.equal(oomScoreAdjOf(pod, first(pod), 8 * GiB), score);
    });
});

describe("a container's resources", () => {
  it("are shares of requests, and quotas and bytes of limits", () => {
    const pod = limited({ cpu: "500m", memory: "64Mi" }, { cpu: "250m" });
    assert.deepEqual(containerResources(pod, first(pod), 8 * GiB), {
      cpuShares: 256n,
      cpuPeriod: 100_000n,
      cpuQuota: 50_000n,
      memoryLimitInBytes: 67_108_864n,
      oomScoreAdj: 993n,
    });
    assert.equal(containerResources(testPod("a"), first(testPod("a")), GiB).cpuShares, 2n);
  });

  it("of the pod are limited only when all containers are", () => {
    const limits = { resources: { limits: { memory: "1Gi" } } };
    const both = testPod("a", { containers: [limits, { name: "b", ...limits }] });
    assert.equal(podResources(both).memoryLimitInBytes, BigInt(2 * GiB));
    const one = testPod("a", { containers: [limits, { name: "b" }] });
    assert.equal(podResources(one).memoryLimitInBytes, undefined);
  });
});

describe("a sandbox's configuration", () => {
  const dns = (spec: Partial<Pod["spec"]>) =>
    dnsConfigOf(testPod("a", spec as object), testSettings);

  it("resolves cluster names by default", () => {
    assert.deepEqual(dns({}), {
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org"],
      options: ["ndots:5"],
    });
  });

  it("resolves as the host does where asked, and on the host's network", () => {
    assert.deepEqual(dns({ dnsPolicy: "Default" }).servers, ["192.168.0.1"]);
    assert.deepEqual(dns({ hostNetwork: true }).servers, ["192.168.0.1"]);
    const both = dns({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" });
    assert.deepEqual(both.servers, ["10.96.0.10"]);
  });

  it("adds what the pod says, without repeating", () => {
    const more = {
      nameservers: ["1.1.1.1", "10.96.0.10"],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    };
    assert.deepEqual(dns({ dnsConfig: more }).servers, ["10.96.0.10", "1.1.1.1"]);
    assert.deepEqual(dns({ dnsConfig: more }).options, ["ndots:2", "edns0"]);
    assert.deepEqual(dns({ dnsPolicy: "None", dnsConfig: { nameservers: ["1.1.1.1"] } }), {
      servers: ["1.1.1.1"],
      searches: [],
      options: [],
    });
  });

  it("names the host", () => {
    const host = (spec: object, name = "a"): string =>
      hostnameOf(testPod(name, spec), testSettings);
    assert.equal(host({}), "a");
    assert.equal(host({ hostname: "db", subdomain: "sub" }), "db");
    assert.equal(
      host({ hostname: "db", subdomain: "sub", setHostnameAsFQDN: true }),
      "db.sub.default.svc.cluster.local",
    );
    assert.equal(host({ hostNetwork: true }), "node-1");
    assert.equal(host({}, `${"a".repeat(62)}-b`), "a".repeat(62));
  });

  it("shares namespaces as the pod says", () => {
    const options = (spec: object) =>
      sandboxConfig(testPod("a", spec), 0, testSettings).linux?.securityContext?.namespaceOptions;
    const { POD, NODE, CONTAINER } = NamespaceMode;
    assert.deepEqual(options({}), { network: POD, ipc: POD, pid: CONTAINER });
    assert.deepEqual(options({ hostNetwork: true, hostIPC: true, hostPID: true }), {
      network: NODE,
      ipc: NODE,
      pid: NODE,
    });
    assert.equal(options({ shareProcessNamespace: true })?.pid, POD);
  });

  it("gives a pod users of its own, and shifts its volumes to them", () => {
    const range = [{ containerId: 0, hostId: 131_072, length: 65_536 }];
    const pod = testPod("a", { hostUsers: false });
    const options = sandboxConfig(pod, 0, testSettings, 131_072).linux?.securityContext;
    const wanted = { mode: NamespaceMode.POD, uids: range, gids: range };
    assert.deepEqual(options?.namespaceOptions?.usernsOptions, wanted);
    const [spec] = containersOf(pod);
    assert.ok(spec);
    const container = containerConfig({
      pod,
      spec,
      restartCount: 0,
      imageRef: "x",
      environment: new Map(),
      mounts: [{ containerPath: "/data", hostPath: "/h" }],
      settings: testSettings,
      firstHostId: 131_072,
    });
    assert.deepEqual(container.linux?.securityContext?.namespaceOptions?.usernsOptions, wanted);
    const mapped = { uidMappings: range, gidMappings: range };
    assert.deepEqual(container.mounts, [{ containerPath: "/data", hostPath: "/h", ...mapped }]);
  });

  it("maps host ports, but for a pod on the host's network", () => {
    const containers = [{ ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] }];
    const ports = (spec: object) => sandboxConfig(testPod("a", spec), 0, testSettings).portMappings;
    assert.deepEqual(ports({ containers }), [
      { protocol: 0, containerPort: 80, hostPort: 8080, hostIp: "" },
    ]);
    assert.deepEqual(ports({ containers, hostNetwork: true }), []);
  });
});

describe("a container's configuration", () => {
  const config = (own: Partial<Container>, spec: object = {}) => {
    const pod = testPod("a", { ...spec, containers: [own] });
    return containerConfig({
      pod,
      spec: { kind: "regular", container: first(pod) },
      restartCount: 3,
      imageRef: "sha256:x",
      environment: new Map([["NAME", "world"]]),
      mounts: [],
      settings: testSettings,
    });
  };

  it("says whose the container is, so that a later kubelet knows", () => {
    const { metadata, labels, annotations, logPath } = config({});
    assert.deepEqual(metadata, { name: "web", attempt: 3 });
    assert.equal(labels?.["io.kubernetes.pod.uid"], "uid-a");
    assert.equal(labels?.["io.kubernetes.container.name"], "web");
    assert.equal(annotations?.["io.kubernetes.container.restartCount"], "3");
    assert.equal(logPath, "web/3.log");
  });

  it("expands its command", () => {
    const { command, args } = config({
      command: ["say", "$(NAME)"],
      args: ["$$(NAME)", "$(NONE)"],
    });
    assert.deepEqual(
      [command, args],
      [
        ["say", "world"],
        ["$(NAME)", "$(NONE)"],
      ],
    );
  });

  it("takes a container's own security context before its pod's", () => {
    const shared = { runAsUser: 1, runAsGroup: 2, fsGroup: 9, supplementalGroups: [5] };
    const { linux } = config(
      {
        securityContext: {
          runAsUser: 7,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        },
      },
      { securityContext: { ...shared, seccompProfile: { type: "RuntimeDefault" } } },
    );
    const security = linux?.securityContext;
    assert.equal(security?.runAsUser?.value, 7n);
    assert.equal(security?.runAsGroup?.value, 2n);
    assert.deepEqual(security?.supplementalGroups, [9n, 5n]);
    assert.deepEqual(security?.capabilities?.dropCapabilities, ["ALL"]);
    assert.equal(security?.seccomp?.profileType, ProfileType.RuntimeDefault);
    assert.equal(security?.readonlyRootfs, true);
    assert.ok(security?.maskedPaths?.includes("/proc/kcore"));
  });

  it("hides nothing from a privileged container, and holds others where asked", () => {
    assert.deepEqual(
      config({ securityContext: { privileged: true } }).linux?.securityContext?.maskedPaths,
      [],
    );
    const held = config({ securityContext: { allowPrivilegeEscalation: false } });
    assert.equal(held.linux?.securityContext?.noNewPrivs, true);
  });
});
