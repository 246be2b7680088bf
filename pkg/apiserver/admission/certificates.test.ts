import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import {
  certificateSigningRequests as ref,
  clusterRoleBindings,
  clusterRoles,
} from "../../../api/resources.ts";
import { systemClock } from "../../base/system-clock.ts";
import { writeSigningRequest } from "../../pki/certificate-signing-request.ts";
import { generateKeyPair } from "../../pki/keys.ts";
import { rule } from "../auth/bootstrap-role.ts";
import { FixedObjects } from "../auth/testing/fixed-objects.ts";
import type { Resource } from "../resource.ts";
import type { Admission } from "./admission.ts";
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
} from "./certificates.ts";

const group = "certificates.k8s.io";
/** What jane may do with which signers. */
const objectsWith = (verb: string, names: string): FixedObjects =>
  new FixedObjects()
    .put(clusterRoles, { metadata: { name: "r" }, rules: [rule(verb, group, "signers", names)] })
    .put(clusterRoleBindings, {
      metadata: { name: "b" },
      subjects: [{ kind: "User", name: "jane" }],
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "r" },
    });

const request = (
  status: CertificateSigningRequest["status"] = {},
  { signerName = "example.com/a", organizations = ["devs"] } = {},
): CertificateSigningRequest => ({
  metadata: { name: "x" },
  spec: {
    request: btoa(
      writeSigningRequest({ subject: { commonName: "jane", organizations } }, generateKeyPair()),
    ),
    signerName,
  },
  status,
});

const admission = (more: Partial<Admission>): Admission => ({
  verb: "update",
  resource: { ref } as unknown as Resource,
  subresource: "",
  namespace: "",
  name: "x",
  user: { name: "jane", uid: "", groups: [], extra: {} },
  dryRun: false,
  object: request(),
  before: request(),
  objects: new FixedObjects(),
  clock: systemClock,
  signal: new AbortController().signal,
  ...more,
});

describe("who may approve", () => {
  for (const [title, verb, names, isAllowed] of [
    ["by the signer's name", "approve", "example.com/a", true],
    ["by its domain", "approve", "example.com/*", true],
    ["not for another signer", "approve", "example.com/b other.com/*", false],
    ["not who may only sign", "sign", "example.com/a", false],
  ] as const) {
    it(title, async () => {
      const asked = admission({ subresource: "approval", objects: objectsWith(verb, names) });
      const outcome = (async () => certificateApproval.validate?.(asked))();
      if (isAllowed) await expect(outcome).resolves.toBeUndefined();
      else {
        await expect(outcome).rejects.toThrow(
          'user not permitted to approve requests with signerName "example.com/a"',
        );
      }
    });
  }

  it("by the signer that the request has, not by the one that is written", async () => {
    const object = request({}, { signerName: "mine.com/a" });
    const objects = objectsWith("approve", "mine.com/a");
    const asked = admission({ subresource: "approval", object, objects });
    await expect((async () => certificateApproval.validate?.(asked))()).rejects.toThrow(
      "example.com/a",
    );
  });

  it("members of system:masters may", async () => {
    const user = { name: "root", uid: "", groups: ["system:masters"], extra: {} };
    const asked = admission({ subresource: "approval", user });
    await expect((async () => certificateApproval.validate?.(asked))()).resolves.toBeUndefined();
  });
});

describe("who may sign", () => {
  const sign = async (more: Partial<Admission>): Promise<void> =>
    certificateSigning.validate?.(admission({ subresource: "status", ...more }));
  const object = request({ certificate: "eA==" });
  it("who has the verb sign", async () => {
    await sign({ object, objects: objectsWith("sign", "example.com/a") });
    await expect(
      sign({ object, objects: objectsWith("approve", "example.com/a") }),
    ).rejects.toThrow("user not permitted to sign");
  });
  it("is asked only where the outcome changes", async () => {
    const before = request({ certificate: "eA==" });
    await sign({ object: { ...before, metadata: { name: "x", labels: { a: "b" } } }, before });
  });
});

describe("nobody becomes system:masters by a request", () => {
  const create = (object: CertificateSigningRequest): void =>
    void certificateSubjectRestriction.validate?.(admission({ verb: "create", object }));
  const signerName = "kubernetes.io/kube-apiserver-client";
  it("refuses the group, of the signer whose certificates the server trusts", () => {
    const organizations = ["devs", "system:masters"];
    expect(() => create(request({}, { signerName, organizations }))).toThrow(
      "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
    );
    expect(() => create(request({}, { signerName }))).not.toThrow();
    expect(() => create(request({}, { organizations }))).not.toThrow();
  });
});
