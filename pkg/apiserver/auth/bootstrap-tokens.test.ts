import { describe, expect, it } from "vitest";
import type { Secret } from "../../../api/core/v1.ts";
import { secrets } from "../../../api/resources.ts";
import { systemClock } from "../../base/system-clock.ts";
import { bootstrapSecret, type BootstrapToken } from "../../machinery/bootstrap-token.ts";
import { secrets as kind } from "../kinds/secret.ts";
import { bootstrapTokens } from "./bootstrap-tokens.ts";
import { FixedObjects } from "./testing/fixed-objects.ts";

const nowMs = Date.UTC(2026, 0, 1);
const token: BootstrapToken = {
  id: "abcdef",
  secret: "0123456789abcdef",
  description: "",
  expiresAtMs: nowMs + 1_000,
  usages: ["authentication"],
  extraGroups: ["system:bootstrappers:b", "system:bootstrappers:a"],
};

const said = "abcdef.0123456789abcdef";
const ask = async (
  text: string,
  change: Partial<BootstrapToken> = {},
  more: Partial<Secret> = {},
) => {
  const secret = bootstrapSecret({ ...token, ...change });
  const stored = kind.defaults?.(secret) ?? secret;
  const objects = new FixedObjects().put(secrets, { ...stored, ...more });
  const clock = { ...systemClock, now: () => nowMs };
  const found = await bootstrapTokens({ objects, clock })(text, [], new AbortController().signal);
  return found?.user;
};

describe("the bearer of a bootstrap token", () => {
  it("is a bootstrapper, in the token's groups", async () => {
    expect(await ask(said)).toEqual({
      name: "system:bootstrap:abcdef",
      uid: "",
      groups: ["system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:b"],
      extra: {},
    });
  });

  const ending = {
    metadata: {
      name: "bootstrap-token-abcdef",
      namespace: "kube-system",
      deletionTimestamp: "2026-01-01T00:00:00Z",
    },
  };
  for (const [title, text, change, more] of [
    ["with another secret", "abcdef.0123456789abcdee", {}, {}],
    ["with another id", "fedcba.0123456789abcdef", {}, {}],
    ["with a word that is no token", "Bearer", {}, {}],
    ["when it is over", said, { expiresAtMs: nowMs }, {}],
    ["when it is for signing only", said, { usages: ["signing"] }, {}],
    ["when it is being deleted", said, {}, ending],
    ["when it is a Secret of another type", said, {}, { type: "Opaque" }],
  ] as const) {
    it(`is nobody ${title}`, async () => expect(await ask(text, change, more)).toBeUndefined());
  }
});
