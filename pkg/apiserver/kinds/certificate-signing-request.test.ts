import { describe, expect, it } from "vitest";
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from "../../../api/certificates/v1.ts";
import { describeFieldError } from "../../machinery/field-error.ts";
import { writeSigningRequest } from "../../pki/certificate-signing-request.ts";
import { generateKeyPair } from "../../pki/keys.ts";
import {
  certificateSigningRequests as kind,
  prepareApproval,
  validateApproval,
} from "./certificate-signing-request.ts";

const pkcs10 = btoa(writeSigningRequest({ subject: { commonName: "jane" } }, generateKeyPair()));
const condition = (
  type: string,
  more: Partial<CertificateSigningRequestCondition> = {},
): CertificateSigningRequestCondition => ({
  type,
  status: "True",
  lastUpdateTime: "2026-01-01T00:00:00Z",
  lastTransitionTime: "2026-01-01T00:00:00Z",
  ...more,
});
const request = (
  status: CertificateSigningRequest["status"] = {},
  request = pkcs10,
): CertificateSigningRequest => ({
  metadata: { name: "a" },
  spec: { request, signerName: "example.com/a", usages: ["client auth"], username: "jane" },
  status,
});
const withConditions = (...conditions: readonly CertificateSigningRequestCondition[]) =>
  request({ conditions });
const nowMs = Date.UTC(2026, 5, 1);
const now = "2026-06-01T00:00:00Z";
const [approved, denied] = ["Approved", "Denied"].map((type) => condition(type));
type Written = readonly CertificateSigningRequestCondition[];
const complaints = (errors: ReturnType<typeof validateApproval>): readonly string[] =>
  errors.map((error) => `${error.path}: ${describeFieldError(error)}`);

describe("a request for a certificate", () => {
  it("is of whom the server knows, whatever it says", () => {
    const user = { name: "bob", uid: "7", groups: ["devs"], extra: { a: ["b"] } };
    const sent = { ...request(), spec: { ...request().spec, groups: ["system:masters"] } };
    expect(kind.withRequester?.(sent, user).spec).toEqual({
      request: pkcs10,
      signerName: "example.com/a",
      usages: ["client auth"],
      username: "bob",
      uid: "7",
      groups: ["devs"],
      extra: { a: ["b"] },
    });
    const plain = { name: "bob", uid: "", groups: [], extra: {} };
    expect(kind.withRequester?.(sent, plain).spec).not.toHaveProperty("groups");
  });

  it("is new without a decision, and keeps what it asks for", () => {
    const sent = request({ conditions: [condition("Approved")], certificate: "eA==" });
    expect(kind.prepareForCreate?.(sent).status).toEqual({});
    const other = { ...sent, spec: { ...sent.spec, signerName: "example.com/b" } };
    const kept = kind.prepareForUpdate?.(other, request());
    expect(kept).toEqual(request());
  });

  it("is refused where it is not signed with its own key", () => {
    const bytes = Buffer.from(atob(pkcs10), "latin1")
      .toString()
      .replace(/\n.{8}/, "\nAAAAAAAA");
    expect(kind.validate?.(request({}, btoa(bytes)), undefined)).toHaveLength(1);
    expect(kind.validate?.(request(), undefined)).toEqual([]);
  });

  for (const [text, shown] of [
    ["Pending", request()],
    ["Approved", withConditions(condition("Approved"))],
    ["Denied", withConditions(condition("Denied"))],
    ["Approved,Failed", withConditions(condition("Approved"), condition("Failed"))],
    ["Approved,Issued", request({ conditions: [condition("Approved")], certificate: "eA==" })],
  ] as const) {
    it(`shows itself as ${text}`, () => {
      expect(kind.columns.find(({ name }) => name === "Condition")?.cell(shown, 0)).toBe(text);
    });
  }
});

describe("/approval", () => {
  it("writes conditions only, and when", () => {
    const sent = {
      ...withConditions(condition("Approved", { lastUpdateTime: "", lastTransitionTime: "" })),
      spec: { ...request().spec, signerName: "example.com/b" },
    };
    const prepared = prepareApproval(
      { ...sent, status: { ...sent.status, certificate: "eA==" } },
      request(),
      nowMs,
    );
    const times = { lastUpdateTime: now, lastTransitionTime: now };
    expect(prepared).toEqual(withConditions(condition("Approved", times)));
  });

  for (const [title, before, wanted, errors] of [
    ["approves", [], [approved], []],
    ["denies", [], [denied], []],
    [
      "does not take back what was decided",
      [approved],
      [],
      ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
    ],
    [
      "cannot say both",
      [approved],
      [approved, denied],
      [
        'status.conditions: Invalid value: "Denied": ' +
          "Approved and Denied conditions are mutually exclusive",
      ],
    ],
    [
      "has no way to say that it is not so",
      [],
      [condition("Approved", { status: "False" })],
      ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
    ],
  ] as unknown as readonly (readonly [string, Written, Written, readonly string[]])[]) {
    it(title, () => {
      const [old, next] = [withConditions(...before), withConditions(...wanted)];
      expect(complaints(validateApproval(next, old))).toEqual(errors);
    });
  }
});

describe("/status", () => {
  const write = (before: CertificateSigningRequest, sent: CertificateSigningRequest) => {
    const prepared = kind.status?.prepareForUpdate?.(sent, before, nowMs) ?? sent;
    return {
      prepared,
      errors: complaints(kind.status?.validate?.(prepared, before) ?? []),
    };
  };

  it("fails a request, and leaves how it was approved", () => {
    const before = withConditions(condition("Approved"));
    const other = condition("Approved", { message: "no, I did" });
    const sent = withConditions(other, condition("Failed", { lastUpdateTime: "" }));
    const { prepared, errors } = write(before, sent);
    expect(errors).toEqual([]);
    expect(prepared.status?.conditions).toEqual([
      condition("Approved"),
      condition("Failed", { lastUpdateTime: now }),
    ]);
  });

  it("never approves", () => {
    const { errors } = write(request(), withConditions(condition("Approved")));
    expect(errors).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
  });

  it("takes a certificate once, and nothing that is none", () => {
    const before = withConditions(condition("Approved"));
    const issued = (certificate: string) => request({ ...before.status, certificate });
    expect(write(before, issued(btoa("hello"))).errors).toEqual([
      'status.certificate: Invalid value: "<certificate data>": ' +
        "must contain at least one CERTIFICATE PEM block",
    ]);
    expect(write(issued("eA=="), issued("eQ==")).errors.at(-1)).toBe(
      "status.certificate: Forbidden: updates may not modify existing certificate content",
    );
    expect(complaints(validateApproval(issued("eA=="), before))).toEqual([
      "status.certificate: Forbidden: updates may not set certificate content",
    ]);
  });

  it("does not forget a failure", () => {
    const { errors } = write(withConditions(condition("Failed")), request());
    expect(errors).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Failed"',
    ]);
  });
});
