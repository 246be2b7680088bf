import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { generateToken, parseToken } from "./join-token.ts";
import { addressInRange, specDefaults } from "./cluster-spec.ts";
import {
  clusterConfiguration,
  initDefaults,
  joinDefaults,
  parseClusterConfiguration,
  parseInitFile,
  parseJoinFile,
} from "./configuration.ts";
import { durationMs } from "../base/duration.ts";
import { shortHumanDuration } from "../machinery/human-duration.ts";
import {
  defaultKubeletSettings,
  kubeletConfigurationText,
  parseKubeletConfiguration,
} from "./kubelet-configuration.ts";

describe("kubeadm's documents", () => {
  it("are read as they are printed", () => {
    expect(parseInitFile(initDefaults(), "f")).toMatchObject({
      nodeName: "node",
      bindPort: 6443,
      token: "abcdef.0123456789abcdef",
      serviceSubnet: specDefaults.serviceSubnet,
    });
    expect(parseJoinFile(joinDefaults(), "f")).toEqual({
      nodeName: "node",
      apiServerEndpoint: "kube-apiserver:6443",
      token: "abcdef.0123456789abcdef",
      unsafeSkipCAVerification: true,
    });
  });

  it("say where they are wrong", () => {
    const text = (apiVersion: string, port: string): string =>
      `apiVersion: ${apiVersion}\nkind: InitConfiguration\nlocalAPIEndpoint: {bindPort: ${port}}\n`;
    expect(() => parseInitFile(text("kubeadm.k8s.io/v1beta1", "1"), "f")).toThrow(/v1beta4/);
    expect(() => parseInitFile(text("kubeadm.k8s.io/v1beta4", "many"), "f")).toThrow(
      "f: InitConfiguration: localAPIEndpoint.bindPort is not a whole number",
    );
  });

  it("keep in the cluster what joining machines need", () => {
    const spec = {
      ...specDefaults,
      podSubnet: "10.1.0.0/16",
      nodeName: "n1",
      advertiseAddress: "10.0.0.1",
      controlPlaneEndpoint: "10.0.0.1:6443",
      certSANs: [],
      token: "",
    };
    expect(parseClusterConfiguration(clusterConfiguration(spec))).toEqual({
      podSubnet: "10.1.0.0/16",
      serviceSubnet: specDefaults.serviceSubnet,
    });
  });

  it("kubelets' are read as they are written", () => {
    const settings = { ...defaultKubeletSettings, clusterDns: ["10.96.0.10"], podsMax: 5 };
    expect(parseKubeletConfiguration(kubeletConfigurationText(settings), "f")).toEqual(settings);
    expect(() => parseKubeletConfiguration("kind: Pod", "f")).toThrow(/f: expected a Kubelet/);
  });
});

it("durations are Go's", () => {
  expect(durationMs("24h0m0s")).toBe(86_400_000);
  expect(durationMs("90m")).toBe(5_400_000);
  expect(durationMs("0")).toBe(0);
  for (const wrong of ["", "5", "1d", "h"]) expect(() => durationMs(wrong)).toThrow(/duration/);
  expect([shortHumanDuration(86_399_000), shortHumanDuration(-1)]).toEqual(["23h", "<invalid>"]);
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
