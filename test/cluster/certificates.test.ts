/** Requests for certificates and bootstrap tokens in a whole cluster, on simulated time. */
import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../api/certificates/v1.ts";
import {
  certificateSigningRequests,
  clusterRoleBindings,
  configMaps,
  secrets,
} from "../../api/resources.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import type { Client } from "../../pkg/client/client.ts";
import { bootstrapSecret, clusterInfo } from "../../pkg/machinery/bootstrap-token.ts";
import { createAuthority } from "../../pkg/pki/authority.ts";
import { readCertificate } from "../../pkg/pki/certificate.ts";
import { writeSigningRequest } from "../../pkg/pki/certificate-signing-request.ts";
import { isSignedBy } from "../../pkg/pki/detached-signature.ts";
import { generateKeyPair } from "../../pkg/pki/keys.ts";
import { simulate, type Simulation } from "../../pkg/sim/simulate.ts";

const hour = 3_600_000;
/** Simulated time begins long ago: the authority lasts beyond any of it. */
const authority = createAuthority(
  { commonName: "kubernetes", validForMs: 10 * 365 * 24 * hour },
  { clock: systemClock, random: systemRandom },
);
const joiners = "system:bootstrappers:joiners";
const isApproved = ({ status }: CertificateSigningRequest): boolean =>
  status?.conditions?.some(({ type }) => type === "Approved") === true;

const request = (name: string, user: string, signer: string): CertificateSigningRequest => {
  const subject = { commonName: user, organizations: ["system:nodes"] };
  return {
    metadata: { name },
    spec: {
      request: btoa(writeSigningRequest({ subject }, generateKeyPair())),
      signerName: `kubernetes.io/${signer}`,
      usages: ["digital signature", "client auth"],
      expirationSeconds: 7_200,
    },
  };
};

const bindNodeClient = (client: Client): Promise<unknown> =>
  client.resource(clusterRoleBindings).create({
    metadata: { name: "joiners" },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    },
    subjects: [{ kind: "Group", name: joiners }],
  });

const bindBootstrapper = (client: Client): Promise<unknown> =>
  client.resource(clusterRoleBindings).create({
    metadata: { name: "bootstrappers" },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:node-bootstrapper",
    },
    subjects: [{ kind: "Group", name: joiners }],
  });

async function cluster(): Promise<Simulation> {
  const made = await simulate({ seed: 3, nodes: 0, signing: { authority } });
  await bindBootstrapper(made.client);
  return made;
}

describe("a new machine's certificate", () => {
  it("is approved once its group may have it, signed, and its request forgotten", async () => {
    await using sim = await cluster();
    const joiner = sim.clientAs("system:bootstrap:abcdef", ["system:bootstrappers", joiners]);
    const seen = sim.informers.informer(certificateSigningRequests);
    await joiner
      .resource(certificateSigningRequests)
      .create(request("n9", "system:node:n9", "kube-apiserver-client-kubelet"));
    const found = (): CertificateSigningRequest | undefined => seen.get("n9");
    expect(await sim.runUntil(() => isApproved(found() ?? request("", "", "")), 20_000)).toBe(
      false,
    );
    expect(found()?.spec.username).toBe("system:bootstrap:abcdef");
    await bindNodeClient(sim.client);
    const isIssued = (): boolean => (found()?.status?.certificate ?? "") !== "";
    expect(await sim.runUntil(isIssued, 60_000)).toBe(true);
    const facts = readCertificate(atob(found()?.status?.certificate ?? ""));
    expect(facts.subject).toEqual({
      commonName: "system:node:n9",
      organizations: ["system:nodes"],
    });
    expect(facts.notAfterMs - sim.clock.now()).toBeGreaterThan(2 * hour - 60_000);
    expect(facts.notAfterMs - sim.clock.now()).toBeLessThanOrEqual(2 * hour);
    expect(await sim.runUntil(() => found() === undefined, hour - 60_000)).toBe(false);
    expect(await sim.runUntil(() => found() === undefined, 120_000)).toBe(true);
  });

  it("is renewed by the machine for itself, and for no other", async () => {
    await using sim = await cluster();
    await sim.client.resource(clusterRoleBindings).create({
      metadata: { name: "renewal" },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
      },
      subjects: [{ kind: "Group", name: "system:nodes" }],
    });
    const node = sim.clientAs("system:node:n9", ["system:nodes"]);
    const api = node.resource(certificateSigningRequests);
    await expect(
      api.create(request("other", "system:node:n8", "kube-apiserver-client-kubelet")),
    ).rejects.toThrow("can only create a node CSR with CN=system:node:n9");
    await api.create(request("own", "system:node:n9", "kube-apiserver-client-kubelet"));
    const seen = sim.informers.informer(certificateSigningRequests);
    const isIssued = (): boolean => (seen.get("own")?.status?.certificate ?? "") !== "";
    expect(await sim.runUntil(isIssued, 60_000)).toBe(true);
  });

  it("for users waits for a person, a day long", async () => {
    await using sim = await cluster();
    const seen = sim.informers.informer(certificateSigningRequests);
    await sim.client
      .resource(certificateSigningRequests)
      .create(request("jane", "jane", "kube-apiserver-client"));
    expect(await sim.runUntil(() => seen.get("jane") !== undefined, 10_000)).toBe(true);
    const isGone = (): boolean => seen.get("jane") === undefined;
    expect(await sim.runUntil(isGone, 23 * hour)).toBe(false);
    expect(await sim.runUntil(isGone, 2 * hour)).toBe(true);
  }, 30_000);
});

describe("a bootstrap token", () => {
  it("signs cluster-info until it is over, and is gone then", async () => {
    await using sim = await cluster();
    const token = {
      id: "abcdef",
      secret: "0123456789abcdef",
      description: "",
      expiresAtMs: sim.clock.now() + hour,
      usages: ["signing"] as const,
      extraGroups: [],
    };
    const { namespace, name, kubeconfigKey } = clusterInfo;
    const seen = sim.informers.informer(configMaps);
    const seenSecrets = sim.informers.informer(secrets);
    await sim.client.resource(configMaps).create({
      metadata: { namespace, name },
      data: { [kubeconfigKey]: "k" },
    });
    await sim.client.resource(secrets).create(bootstrapSecret(token));
    const signature = (): string =>
      seen.get(`${namespace}/${name}`)?.data?.["jws-kubeconfig-abcdef"] ?? "";
    expect(await sim.runUntil(() => signature() !== "", 10_000)).toBe(true);
    expect(isSignedBy(signature(), "k", token)).toBe(true);
    expect(await sim.runUntil(() => signature() === "", hour - 60_000)).toBe(false);
    const isOver = (): boolean =>
      signature() === "" && seenSecrets.get("kube-system/bootstrap-token-abcdef") === undefined;
    expect(await sim.runUntil(isOver, 120_000)).toBe(true);
  });
});
