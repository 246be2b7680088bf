import { createPublicKey } from "node:crypto";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { createAuthority } from "../pki/authority.ts";
import { signDetached } from "../pki/detached-signature.ts";
import { publicKeyFingerprint } from "../pki/keys.ts";
import { checkHashForm, readClusterInfo } from "./discovery.ts";

const doors = { clock: systemClock, random: systemRandom };
const authority = createAuthority({ commonName: "kubernetes", validForMs: 60_000 }, doors);
const token = { id: "abcdef", secret: "0123456789abcdef" };
const hash = publicKeyFingerprint(createPublicKey(authority.certificate));
const kubeconfig = stringify({
  clusters: [
    {
      cluster: {
        server: "https://10.0.0.1:6443",
        "certificate-authority-data": Buffer.from(authority.certificate).toString("base64"),
      },
    },
  ],
});
const info = (signature = signDetached(kubeconfig, token)) => ({
  data: { kubeconfig, "jws-kubeconfig-abcdef": signature },
});

describe("readClusterInfo", () => {
  it("believes what token and hash vouch for", () =>
    expect(readClusterInfo(info(), { token, caCertHashes: [hash] })).toEqual({
      server: "https://10.0.0.1:6443",
      authority: authority.certificate,
    }));

  it("refuses another authority", () =>
    expect(() =>
      readClusterInfo(info(), { token, caCertHashes: [`sha256:${"0".repeat(64)}`] }),
    ).toThrow(/nothing was sent/));

  it("refuses a signature by another secret", () => {
    const other = signDetached(kubeconfig, { ...token, secret: "fedcba9876543210" });
    expect(() => readClusterInfo(info(other), { token, caCertHashes: [hash] })).toThrow(/another/);
  });

  it("tells of a token that ended", () =>
    expect(() =>
      readClusterInfo({ data: { kubeconfig } }, { token, caCertHashes: [hash] }),
    ).toThrow(/tsadm token create/));

  it("refuses content that was changed behind the signature", () => {
    const changed = {
      data: { ...info().data, kubeconfig: kubeconfig.replace("10.0.0.1", "10.6.6.6") },
    };
    expect(() => readClusterInfo(changed, { token, caCertHashes: [hash] })).toThrow(/signature/);
  });
});

it("hashes have one form", () => {
  expect(() => checkHashForm([hash])).not.toThrow();
  expect(() => checkHashForm(["sha1:abc"])).toThrow(/64 hex digits/);
});
