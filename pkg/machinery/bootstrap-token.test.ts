import { describe, expect, it } from "vitest";
import type { Secret } from "../../api/core/v1.ts";
import {
  bootstrapSecret,
  bootstrapTokenOf,
  parseBootstrapToken,
  type BootstrapToken,
} from "./bootstrap-token.ts";

const token: BootstrapToken = {
  id: "abcdef",
  secret: "0123456789abcdef",
  description: "für neue Knoten",
  expiresAtMs: Date.UTC(2026, 0, 1),
  usages: ["signing", "authentication"],
  extraGroups: ["system:bootstrappers:kubeadm:default-node-token"],
};

/** As the API gives it back. */
function stored({ stringData = {}, ...secret }: Secret): Secret {
  const data = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString("base64"),
  ]);
  return { ...secret, data: Object.fromEntries(data) as Record<string, string> };
}

const changed = (key: string, value: string): Secret => {
  const secret = bootstrapSecret(token);
  return stored({ ...secret, stringData: { ...secret.stringData, [key]: value } });
};

describe("a bootstrap token", () => {
  it("is kept in a Secret, and read from it", () => {
    const secret = bootstrapSecret(token);
    expect(secret.metadata).toEqual({
      name: "bootstrap-token-abcdef",
      namespace: "kube-system",
    });
    expect(secret.stringData).toMatchObject({
      expiration: "2026-01-01T00:00:00Z",
      "usage-bootstrap-signing": "true",
    });
    expect(bootstrapTokenOf(stored(secret))).toEqual(token);
    const bare = { ...token, description: "", expiresAtMs: Infinity, usages: [], extraGroups: [] };
    expect(bootstrapTokenOf(stored(bootstrapSecret(bare)))).toEqual(bare);
  });

  for (const [title, secret] of [
    ["of another type", { ...stored(bootstrapSecret(token)), type: "Opaque" }],
    ["under another name", changed("token-id", "fedcba")],
    ["with an id that is none", changed("token-id", "abc")],
    ["without its secret", changed("token-secret", "")],
    ["with a group of others", changed("auth-extra-groups", "system:masters")],
  ] as const) {
    it(`is none ${title}`, () => expect(bootstrapTokenOf(secret)).toBeUndefined());
  }

  it("is over when nobody can say when it ends", () => {
    expect(bootstrapTokenOf(changed("expiration", "soon"))?.expiresAtMs).toBe(0);
  });

  it("is not made for a group of others", () => {
    expect(() => bootstrapSecret({ ...token, extraGroups: ["system:masters"] })).toThrow(
      'bootstrap group "system:masters" is not below system:bootstrappers:',
    );
  });

  it("is said as one word", () => {
    const { id, secret } = token;
    expect(parseBootstrapToken(`${id}.${secret}`)).toEqual({ id, secret });
    for (const text of ["", "abcdef", "abcdef.0123", "ABCDEF.0123456789abcdef", `x${id}.${secret}`])
      expect(parseBootstrapToken(text)).toBeUndefined();
  });
});
