import { describe, expect, it } from "vitest";
import { proxyConfigurationText } from "./proxy-configuration.ts";
import { defaultProxySettings, parseProxyConfiguration } from "./proxy-settings.ts";

const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const parse = (text: string) => parseProxyConfiguration(head + text, "config.conf");

describe("parseProxyConfiguration", () => {
  it("reads what the add-on's ConfigMap says", () => {
    const given = { clientConnection: { kubeconfig: "/a" }, hostnameOverride: "n" };
    const text = proxyConfigurationText({ podSubnet: "10.244.0.0/16" }, given);
    expect(parseProxyConfiguration(text, "config.conf")).toEqual({
      ...defaultProxySettings,
      kubeconfig: "/a",
      hostnameOverride: "n",
    });
  });

  it("listens where it is told", () => {
    const { health, metrics } = parse(
      "healthzBindAddress: 127.0.0.1:1\nmetricsBindAddress: 0.0.0.0\nmode: ''\n",
    );
    expect(health).toEqual({ address: "127.0.0.1", port: 1 });
    expect(metrics).toEqual({ address: "0.0.0.0", port: 10_249 });
  });

  for (const [title, text, because] of [
    ["another mode", "mode: ipvs", "config.conf: mode is ipvs: Services are rules of nftables"],
    ["no place", "healthzBindAddress: here", "healthzBindAddress is here, not ADDRESS:PORT"],
    ["no port", "metricsBindAddress: 127.0.0.1:99999", "not ADDRESS:PORT"],
    ["another document", "kind: Pod\n", "duplicate|Map keys must be unique"],
  ] as const)
    it(`refuses ${title}`, () => expect(() => parse(text)).toThrow(new RegExp(because)));
});
