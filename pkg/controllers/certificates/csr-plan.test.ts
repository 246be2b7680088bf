import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import type { Node } from "../../../api/core/v1.ts";
import {
  autoApprovals,
  awaitsApproval,
  forgetAtMs,
  kubeletClientComplaint,
  kubeletServingComplaint,
  namesOfNode,
  planSignature,
  signers,
  type AskedNames,
} from "./csr-plan.ts";

const created = Date.UTC(2026, 0, 1);
const decided = "2026-01-01T01:00:00Z";
const hour = 3_600_000;
const node: AskedNames = {
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  names: [],
  otherNames: [],
};

const request = (
  spec: Partial<CertificateSigningRequest["spec"]> = {},
  conditions: readonly string[] = [],
  certificate?: string,
): CertificateSigningRequest => ({
  metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: {
    request: "",
    signerName: signers.kubeletClient,
    usages: ["digital signature", "client auth"],
    username: "system:bootstrap:abcdef",
    ...spec,
  },
  status: {
    conditions: conditions.map((type) => ({ type, status: "True", lastUpdateTime: decided })),
    ...(certificate === undefined ? {} : { certificate }),
  },
});

describe("a kubelet's client certificate", () => {
  for (const [title, names, spec, complaint] of [
    ["is for a node", {}, {}, undefined],
    [
      "may be for an RSA key",
      {},
      { usages: ["client auth", "key encipherment", "digital signature"] },
      undefined,
    ],
    [
      "is in no other group",
      { organizations: ["system:nodes", "system:masters"] },
      {},
      "subject organization is not system:nodes",
    ],
    [
      "is for no user",
      { commonName: "jane" },
      {},
      "subject common name does not begin with system:node:",
    ],
    ["has no host names", { names: ["a"] }, {}, "DNS subjectAltNames are not allowed"],
    ["has no addresses", { names: ["10.0.0.1"] }, {}, "IP subjectAltNames are not allowed"],
    ["has no address of six", { names: ["::1"] }, {}, "IP subjectAltNames are not allowed"],
    ["has no mailbox", { otherNames: ["email"] }, {}, "Email subjectAltNames are not allowed"],
    [
      "has no address of the web",
      { otherNames: ["URI"] },
      {},
      "URI subjectAltNames are not allowed",
    ],
    [
      "serves nothing",
      {},
      { usages: ["digital signature", "client auth", "server auth"] },
      "usages did not match [digital signature key encipherment client auth]",
    ],
  ] as const) {
    it(title, () => {
      expect(kubeletClientComplaint(request(spec), { ...node, ...names })).toBe(complaint);
    });
  }

  for (const [title, spec, names, wanted] of [
    ["with a bootstrap token, as nodeclient", {}, {}, ["nodeclient"]],
    [
      "by the node itself, also as selfnodeclient",
      { username: "system:node:n1" },
      {},
      ["selfnodeclient", "nodeclient"],
    ],
    ["not by a machine that is none", {}, { commonName: "x" }, []],
    ["not of another signer", { signerName: signers.kubeletServing }, {}, []],
  ] as const) {
    it(`is approved ${title}`, () => {
      const ways = autoApprovals(request(spec), { ...node, ...names });
      expect(ways.map(({ subresource }) => subresource)).toEqual(wanted);
    });
  }
});

describe("a kubelet's serving certificate", () => {
  const spec = { signerName: signers.kubeletServing, usages: ["digital signature", "server auth"] };
  for (const [title, names, complaint] of [
    ["names the machine", { names: ["n1", "10.0.0.1"] }, undefined],
    ["names something", {}, "DNS or IP subjectAltName is required"],
    [
      "names no address of the web",
      { names: ["n1"], otherNames: ["URI"] },
      "URI subjectAltNames are not allowed",
    ],
    [
      "is a node's",
      { names: ["n1"], commonName: "n1" },
      "subject common name does not begin with system:node:",
    ],
  ] as const) {
    it(title, () => {
      expect(kubeletServingComplaint(request(spec), { ...node, ...names })).toBe(complaint);
    });
  }
});

describe("planSignature", () => {
  const limits = { lifeMsMax: 1_000 * hour, authorityLeftMs: 5_000 * hour };
  const plan = (one: CertificateSigningRequest, more: Partial<typeof limits> = {}) =>
    planSignature(one, node, { ...limits, ...more });

  it("signs what was approved, and only that", () => {
    expect(plan(request({}, ["Approved"]))).toEqual({
      do: "sign",
      usages: ["client auth"],
      validForMs: 1_000 * hour,
    });
    for (const conditions of [[], ["Denied"], ["Approved", "Failed"], ["Approved", "Denied"]]) {
      expect(plan(request({}, conditions))).toEqual({ do: "nothing" });
    }
    expect(plan(request({}, ["Approved"], "eA=="))).toEqual({ do: "nothing" });
    expect(plan(request({ signerName: "example.com/a" }, ["Approved"]))).toEqual({ do: "nothing" });
  });

  for (const [title, seconds, more, hours] of [
    ["for as long as was asked", 7_200, {}, 2],
    ["for ten minutes at least", 1, {}, 1 / 6],
    ["for no longer than it signs", 10_000 * 3_600, {}, 1_000],
    ["for no longer than its own authority lives", 7_200, { authorityLeftMs: hour }, 1],
  ] as const) {
    it(`signs ${title}`, () => {
      const signed = plan(request({ expirationSeconds: seconds }, ["Approved"]), more);
      expect(signed.do === "sign" && signed.validForMs).toBe(hours * hour);
    });
  }

  it("says why it does not", () => {
    const spec = { signerName: signers.client, usages: ["client auth", "server auth"] };
    expect(plan(request(spec, ["Approved"]))).toEqual({
      do: "fail",
      because: "invalid usage for client certificate: server auth",
    });
    expect(plan(request({ ...spec, usages: ["key encipherment"] }, ["Approved"]))).toEqual({
      do: "fail",
      because: "missing required usage for client certificate: client auth",
    });
  });
});

describe("forgetAtMs", () => {
  for (const [title, one, notAfterHours, hours] of [
    ["a pending one after a day", request(), undefined, 24],
    ["a denied one after an hour", request({}, ["Denied"]), undefined, 2],
    ["a failed one after an hour", request({}, ["Approved", "Failed"]), undefined, 2],
    ["one that nobody signs after a day", request({}, ["Approved"]), undefined, 25],
    ["an issued one after an hour", request({}, ["Approved"], "eA=="), 99, 2],
    ["an expired one at once", request({}, ["Approved"], "eA=="), 1.5, 1.5],
  ] as const) {
    it(title, () => {
      const notAfterMs = notAfterHours === undefined ? undefined : created + notAfterHours * hour;
      expect(forgetAtMs(one, notAfterMs)).toBe(created + hours * hour);
    });
  }
});

describe("a kubelet's serving certificate, without a person", () => {
  const serving = {
    signerName: signers.kubeletServing,
    usages: ["digital signature", "server auth"],
    username: "system:node:n1",
  };
  const known = { own: ["n1", "10.0.0.1"], others: ["10.0.0.2"] };
  for (const [title, names, spec, isApproved] of [
    ["is for its own name and address", ["n1", "10.0.0.1"], {}, true],
    ["is asked for by the node itself", ["n1"], { username: "system:node:n2" }, false],
    ["is for no name that the node has not told", ["n1", "api.example.org"], {}, false],
    ["is for no address of another node", ["10.0.0.2"], {}, false],
    ["serves only", ["n1"], { usages: ["digital signature", "client auth"] }, false],
  ] as const) {
    it(title, () => {
      const one = request({ ...serving, ...spec });
      const ways = autoApprovals(one, { ...node, names }, known);
      expect(ways.map(({ subresource }) => subresource)).toEqual(
        isApproved ? ["selfnodeserver"] : [],
      );
      expect(awaitsApproval(one)).toBe(true);
    });
  }

  it("is for no address that the node claims and another has", () => {
    const claimed = { own: ["n1", "10.0.0.2"], others: ["10.0.0.2"] };
    expect(autoApprovals(request(serving), { ...node, names: ["10.0.0.2"] }, claimed)).toEqual([]);
  });

  const at = (name: string, ...addresses: readonly string[]): Node => ({
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  });
  for (const [title, one, own] of [
    ["are its name and its addresses", at("n1", "10.0.0.1"), ["n1", "10.0.0.1"]],
    ["are no DNS names that it tells", at("n1", "kubernetes.default.svc", "api"), ["n1"]],
    ["are not the API server's, whatever it is called", at("kubernetes.default"), []],
    ["are not a Service's, whatever it is called", at("web.shop.svc.cluster.local"), []],
  ] as const) {
    it(`its own names ${title}`, () => {
      const cluster = { nodes: [one, at("n2", "10.0.0.2")], services: [], servers: [] };
      const names = namesOfNode(one.metadata?.name ?? "", cluster);
      expect(names).toEqual({ own, others: ["10.0.0.2"] });
    });
  }

  it("is for no address of a Service", () => {
    const kubernetes = { spec: { clusterIPs: ["10.96.0.1"] } };
    const claimed = namesOfNode("n1", {
      nodes: [at("n1", "10.0.0.1", "10.96.0.1")],
      services: [kubernetes],
      servers: [{ addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.9"] }] }],
    });
    expect(claimed.others).toEqual(["10.0.0.9", "10.96.0.1"]);
    expect(autoApprovals(request(serving), { ...node, names: ["10.96.0.1"] }, claimed)).toEqual([]);
  });
});
