import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { generateToken, parseToken } from "./join-token.ts";
import { addressInRange, specDefaults, type ClusterSpec } from "./cluster-spec.ts";
import { readConfigDocuments } from "./configuration-documents.ts";
import {
  clusterConfiguration,
  initFileOf,
  joinFileOf,
  parseClusterConfiguration,
} from "./configuration.ts";
import { initDefaults, joinDefaults } from "./configuration-defaults.ts";
import {
  defaultKubeletSettings,
  idleEvictionSignals,
  kubeletConfigurationText,
  parseKubeletConfiguration,
  withTaints,
} from "./kubelet-configuration.ts";
import { controlPlaneManifests } from "./static-pods.ts";

const specOf = (more: Partial<ClusterSpec> = {}): ClusterSpec => ({
  ...specDefaults,
  podSubnet: "10.1.0.0/16",
  nodeName: "n1",
  advertiseAddress: "10.0.0.1",
  controlPlaneEndpoint: "10.0.0.1:6443",
  certSANs: [],
  token: "",
  ...more,
});
const parseInitFile = (text: string, file: string) =>
  initFileOf(readConfigDocuments(text, file), file);
const parseJoinFile = (text: string, file: string) =>
  joinFileOf(readConfigDocuments(text, file), file);
const inKind = (kind: string, text: string): string =>
  `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ${kind}\n${text}`;

describe("kubeadm's documents", () => {
  it("are read as they are printed, and nothing in them is without effect", () => {
    expect(parseInitFile(initDefaults(), "f")).toMatchObject({
      nodeName: "node",
      bindPort: 6443,
      token: "abcdef.0123456789abcdef",
      serviceSubnet: specDefaults.serviceSubnet,
      imageRepository: "localhost",
    });
    expect(parseJoinFile(joinDefaults(), "f")).toEqual({
      nodeName: "node",
      apiServerEndpoint: "kube-apiserver:6443",
      token: "abcdef.0123456789abcdef",
      tlsBootstrapToken: "abcdef.0123456789abcdef",
      timeouts: {},
      kubeletArguments: {},
      unsafeSkipCAVerification: true,
    });
    const all = ["KubeletConfiguration", "KubeProxyConfiguration"];
    for (const text of [initDefaults(all), joinDefaults(all)]) {
      const { mistakes, idle } = readConfigDocuments(text, "f");
      // The pods' range is the proxy's to know in upstream; here no rule of it depends on that.
      expect([mistakes, idle]).toEqual([
        [],
        ["f: KubeProxyConfiguration: clusterCIDR has no effect on tskube"],
      ]);
    }
  });

  it("say where they are wrong", () => {
    const text = (apiVersion: string, port: string): string =>
      `apiVersion: ${apiVersion}\nkind: InitConfiguration\nlocalAPIEndpoint: {bindPort: ${port}}\n`;
    expect(() => parseInitFile(text("kubeadm.k8s.io/v1beta1", "1"), "f")).toThrow(/v1beta4/);
    expect(() => parseInitFile(text("kubeadm.k8s.io/v1beta4", "many"), "f")).toThrow(
      "f: InitConfiguration: localAPIEndpoint.bindPort is not a whole number",
    );
    expect(() => readConfigDocuments("kind: Pod\napiVersion: v1", "f")).toThrow(/unknown kind Pod/);
    const both = inKind("InitConfiguration", "");
    expect(() => readConfigDocuments(`${both}---\n${both}`, "f")).toThrow(/two documents/);
  });

  it("say how long to wait, where they do", () => {
    const wait = (text: string) =>
      parseJoinFile(inKind("JoinConfiguration", `timeouts: {discovery: ${text}}`), "f").timeouts;
    expect(wait("5m0s")).toEqual({ discoveryMs: 300_000 });
    expect(wait("0s")).toEqual({});
    expect(() => wait("soon")).toThrow(
      "f: JoinConfiguration: timeouts.discovery is not a duration",
    );
  });

  it("refuse what would make another cluster", () => {
    const cluster = (text: string) => () =>
      parseInitFile(inKind("ClusterConfiguration", text), "f");
    expect(cluster("kubernetesVersion: v1.30.0")).toThrow(/is v1.30.0, and this tsadm brings/);
    for (const version of ["v1.37.0", "1.37.0", "stable-1", "stable-1.37"]) {
      expect(cluster(`kubernetesVersion: ${version}`)).not.toThrow();
    }
    expect(cluster("etcd: {external: {endpoints: [a]}}")).toThrow(/etcd.external cannot be had/);
    expect(() => parseJoinFile(inKind("JoinConfiguration", "controlPlane: {}"), "f")).toThrow(
      /joins as a worker/,
    );
  });

  it("keep in the cluster what joining machines need", () => {
    const spec = specOf({ imageRepository: "registry.example/tskube" });
    expect(parseClusterConfiguration(clusterConfiguration(spec))).toEqual({
      podSubnet: "10.1.0.0/16",
      serviceSubnet: specDefaults.serviceSubnet,
      imageRepository: "registry.example/tskube",
    });
  });

  it("put flags of theirs in place of ours", () => {
    const file = parseInitFile(
      inKind(
        "ClusterConfiguration",
        "apiServer: {extraArgs: [{name: secure-port, value: '7443'}, {name: x, value: y}]}",
      ),
      "f",
    );
    const [, , ...rest] = controlPlaneManifests(specOf({ ...file }));
    const [, apiServer] = controlPlaneManifests(specOf({ ...file }))[1] ?? [];
    const command = apiServer?.spec?.containers[0]?.command ?? [];
    expect(command.filter((flag) => flag.startsWith("--secure-port"))).toEqual([
      "--secure-port=7443",
    ]);
    expect(command.at(-1)).toBe("--x=y");
    expect(rest.flatMap(([, pod]) => pod.spec?.containers[0]?.command ?? [])).not.toContain(
      "--x=y",
    );
  });
});

describe("kubeletExtraArgs", () => {
  const join = (args: string) =>
    inKind("JoinConfiguration", `nodeRegistration: {kubeletExtraArgs: [${args}]}`);
  const read = (args: string) => parseJoinFile(join(args), "f").kubeletArguments;

  it("give labels and an address", () => {
    const labels = "{name: node-labels, value: 'a=b,example.org/c=,node.kubernetes.io/d=e'}";
    expect(read(`${labels}, {name: node-ip, value: 10.0.0.7}`)).toEqual({
      labels: { a: "b", "example.org/c": "", "node.kubernetes.io/d": "e" },
      nodeAddress: "10.0.0.7",
    });
  });

  it("are refused where a node could not register with them", () => {
    for (const [value, because] of [
      ["a", /a, which is no NAME=VALUE/],
      ["-=b", /no NAME=VALUE/],
      ["node-role.kubernetes.io/worker=", /no node may give itself: tskubectl label node/],
    ] as const) {
      expect(() => read(`{name: node-labels, value: '${value}'}`)).toThrow(because);
    }
  });

  it("are told where they have no effect", () =>
    expect(readConfigDocuments(join("{name: v, value: '5'}"), "f").idle).toEqual([
      "f: JoinConfiguration: nodeRegistration.kubeletExtraArgs: v has no effect on tskube",
    ]));
});

describe("what is odd in a document", () => {
  it("is told in kubeadm's words where nobody knows the field", () => {
    const { mistakes } = readConfigDocuments(
      inKind(
        "ClusterConfiguration",
        "networking: {foo: 1}\nbar: 2\napiServer: {extraArgs: [{nme: a}]}",
      ),
      "f",
    );
    expect(mistakes).toEqual([
      'error unmarshaling configuration schema.GroupVersionKind{Group:"kubeadm.k8s.io", ' +
        'Version:"v1beta4", Kind:"ClusterConfiguration"}: strict decoding error: ' +
        'unknown field "apiServer.extraArgs[0].nme", unknown field "bar", ' +
        'unknown field "networking.foo"',
    ]);
  });

  it("is told by name where it has no effect, and passed over where it says nothing", () => {
    const text = [
      "apiVersion: kubelet.config.k8s.io/v1beta1",
      "kind: KubeletConfiguration",
      "maxPods: 5",
      "cgroupDriver: systemd",
      "cpuManagerPolicy: static",
      "syncFrequency: 0s",
      "memorySwap: {}",
      "authentication: {anonymous: {enabled: true}, webhook: {cacheTTL: 0s, enabled: true}}",
    ].join("\n");
    expect(readConfigDocuments(text, "f").idle).toEqual(
      ["authentication.anonymous.enabled", "cgroupDriver", "cpuManagerPolicy"].map(
        (path) => `f: KubeletConfiguration: ${path} has no effect on tskube`,
      ),
    );
  });
});

describe("KubeletConfiguration", () => {
  it("is read as it is written", () => {
    const text = kubeletConfigurationText({ clusterDns: ["10.96.0.10"] }, { maxPods: 5 });
    expect(parseKubeletConfiguration(text, "f")).toEqual({
      ...defaultKubeletSettings,
      clusterDns: ["10.96.0.10"],
      podsMax: 5,
    });
    expect(() => parseKubeletConfiguration("kind: Pod", "f")).toThrow(/f: expected a Kubelet/);
  });

  it("gives what this kubelet understands", () => {
    const taints = [{ key: "a", value: "b", effect: "NoSchedule" }];
    const given = {
      address: "10.0.0.1",
      podPidsLimit: 100,
      kubeReserved: { cpu: "100m", memory: "1Gi" },
      systemReserved: { cpu: 1 },
      evictionHard: { "memory.available": "5%", "imagefs.available": "1Gi" },
    };
    const text = withTaints(kubeletConfigurationText({ clusterDns: [] }, given), taints);
    const settings = parseKubeletConfiguration(text, "f");
    expect(settings).toMatchObject({
      address: "10.0.0.1",
      podPidsMax: 100,
      taints,
      reserved: { cpuMillis: 1100, memoryBytes: 2 ** 30 },
    });
    expect(idleEvictionSignals(settings)).toEqual(["imagefs.available"]);
  });

  it("says which field is wrong", () => {
    const read = (given: object) => () =>
      parseKubeletConfiguration(
        kubeletConfigurationText({ clusterDns: [] }, given as Record<string, unknown>),
        "f",
      );
    expect(read({ maxPods: -1 })).toThrow("f: maxPods is -1, not a positive whole number");
    expect(read({ kubeReserved: { cpu: "much" } })).toThrow("f: kubeReserved is not a map of");
    expect(read({ evictionHard: { "memory.available": "much" } })).toThrow(/f: evictionHard has/);
    expect(read({ clusterDNS: "10.0.0.1" })).toThrow("f: clusterDNS is not a list");
  });
});

it("tokens are made and read", () => {
  const made = generateToken(seededRandom(1));
  expect(parseToken(made)).toEqual({ id: made.slice(0, 6), secret: made.slice(7) });
  expect(() => parseToken("abc")).toThrow(/not of the form/);
});

it("addresses are counted from a range's first", () => {
  expect(addressInRange("10.96.0.0/16", 10)).toBe("10.96.0.10");
  expect(addressInRange("10.96.0.77/26", 1)).toBe("10.96.0.65");
});
