import { describe, expect, it } from "vitest";
import type { BootstrapToken } from "../../machinery/bootstrap-token.ts";
import { signDetached } from "../../pki/detached-signature.ts";
import { signedData } from "./bootstrap-signer.ts";

const token = (id: string): BootstrapToken => ({
  id,
  secret: "0123456789abcdef",
  description: "",
  expiresAtMs: Infinity,
  usages: ["signing"],
  extraGroups: [],
});

describe("cluster-info", () => {
  it("is signed with each token, and with no other", () => {
    const data = { kubeconfig: "k", "jws-kubeconfig-older1": "x", note: "kept" };
    expect(signedData(data, [token("abcdef"), token("abcxyz")])).toEqual({
      kubeconfig: "k",
      note: "kept",
      "jws-kubeconfig-abcdef": signDetached("k", token("abcdef")),
      "jws-kubeconfig-abcxyz": signDetached("k", token("abcxyz")),
    });
  });

  it("without a kubeconfig has nothing that could be signed", () => {
    expect(signedData({ "jws-kubeconfig-abcdef": "x" }, [token("abcdef")])).toEqual({});
  });
});
