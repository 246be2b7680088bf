import { X509Certificate } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { createAuthority, openAuthority } from "./authority.ts";
import { readCertificate } from "./certificate.ts";
import { parseSigningRequest, writeSigningRequest } from "./certificate-signing-request.ts";
import { generateKeyPair, privateKeyPem } from "./keys.ts";
import { encodePem, requirePem } from "./pem.ts";

const doors = { clock: systemClock, random: systemRandom };
const hourMs = 3_600_000;
const authority = createAuthority({ commonName: "kubernetes", validForMs: 24 * hourMs }, doors);
const server = authority.issue(
  {
    subject: { commonName: "kube-apiserver" },
    names: ["kubernetes.default.svc", "127.0.0.1", "::1"],
    usages: ["server auth"],
    validForMs: hourMs,
  },
  doors,
);
const client = authority.issue(
  {
    subject: { commonName: "jane", organizations: ["system:masters", "devs"] },
    usages: ["client auth"],
    validForMs: hourMs,
  },
  doors,
);

const folder = mkdtempSync(join(tmpdir(), "pki-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
if (!hasOpenssl) console.log("skipped: openssl is not on this machine");
/** What it says beside its answer is in the error when it fails, and of no interest otherwise. */
const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

describe("certificates", () => {
  it("say what was asked for", () => {
    const facts = readCertificate(client.certificate);
    expect(facts.subject.commonName).toBe("jane");
    expect([...facts.subject.organizations].sort()).toEqual(["devs", "system:masters"]);
    expect(facts.isAuthority).toBe(false);
    expect(readCertificate(authority.certificate).isAuthority).toBe(true);
    expect(readCertificate(server.certificate).names).toEqual([
      "kubernetes.default.svc",
      "127.0.0.1",
      "::1",
    ]);
    expect(facts.notAfterMs).toBe(Date.parse(new X509Certificate(client.certificate).validTo));
  });

  it("carry a signature of their authority, and of no other", () => {
    const other = createAuthority({ commonName: "kubernetes", validForMs: hourMs }, doors);
    const leaf = new X509Certificate(server.certificate);
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(leaf.verify(new X509Certificate(other.certificate).publicKey)).toBe(false);
    expect(leaf.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
  });

  it("refuses a key of another certificate, and a leaf as an authority", () => {
    expect(() => openAuthority({ ...authority, key: server.key })).toThrow(/another certificate/);
    expect(() => openAuthority(server)).toThrow(/not an authority/);
  });

  it.skipIf(!hasOpenssl)("pass openssl's verification for their purpose", () => {
    const ca = file("ca.crt", authority.certificate);
    const crt = file("server.crt", server.certificate);
    const strict = ["-x509_strict", "-CAfile", ca];
    expect(openssl("verify", ...strict, "-purpose", "sslserver", crt)).toContain("OK");
    expect(() => openssl("verify", ...strict, "-purpose", "sslclient", crt)).toThrow();
    const text = openssl("x509", "-in", file("client.crt", client.certificate), "-noout", "-text");
    expect(text).toContain("TLS Web Client Authentication");
    expect(text).toMatch(/Subject: O ?= ?devs ?\+ ?O ?= ?system:masters, CN ?= ?jane/);
  });

  it.skipIf(!hasOpenssl)("can be signed by an RSA authority that openssl made", () => {
    const key = openssl("genrsa", "-traditional", "2048");
    const keyFile = file("rsa.key", key);
    const args = ["-subj", "/CN=old-ca", "-days", "2", "-out", join(folder, "rsa.crt")];
    openssl("req", "-x509", "-new", "-key", keyFile, ...args);
    const old = openAuthority({
      certificate: openssl("x509", "-in", join(folder, "rsa.crt")),
      key,
    });
    const leaf = old.issue(
      { subject: { commonName: "x" }, usages: ["client auth"], validForMs: hourMs },
      doors,
    );
    const crt = file("leaf.crt", leaf.certificate);
    expect(openssl("verify", "-CAfile", join(folder, "rsa.crt"), crt)).toContain("OK");
  });

  it("hold in a real handshake with client certificates", async () => {
    const options = { ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
    const listener = createServer({ ...options, cert: server.certificate, key: server.key });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address() as { port: number };
    const accepted = once(listener, "secureConnection") as Promise<[TLSSocket]>;
    const socket = connect({
      port: address.port,
      host: "127.0.0.1",
      ca: authority.certificate,
      cert: client.certificate,
      key: client.key,
    });
    await once(socket, "secureConnect");
    const [peer] = await accepted;
    expect(socket.authorized && peer.authorized).toBe(true);
    expect(peer.getPeerCertificate().subject.CN).toBe("jane");
    socket.destroy();
    peer.destroy();
    listener.close();
  });
});

describe("the fingerprint", () => {
  it.skipIf(!hasOpenssl)("is what kubeadm's discovery hash is made by", () => {
    const ca = file("ca2.crt", authority.certificate);
    const key = openssl("x509", "-pubkey", "-in", ca, "-noout");
    const keyFile = file("ca.pub", key);
    const der = execFileSync("openssl", ["pkey", "-pubin", "-in", keyFile, "-outform", "der"]);
    const hash = execFileSync("openssl", ["dgst", "-sha256", "-hex"], { input: der });
    expect(`sha256:${hash.toString().trim().split(/\s+/).at(-1)}`).toBe(authority.fingerprint);
  });
});

describe("signing requests", () => {
  const pair = generateKeyPair();
  const pem = writeSigningRequest(
    {
      subject: { commonName: "system:node:n1", organizations: ["system:nodes"] },
      names: ["n1", "10.0.0.2"],
    },
    pair,
  );

  it("come back as they were written", () => {
    const request = parseSigningRequest(pem);
    expect(request.subject).toEqual({
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
    });
    expect(request.names).toEqual(["n1", "10.0.0.2"]);
    expect(request.publicKey.equals(pair.publicKey)).toBe(true);
  });

  it("are refused when a byte was changed", () => {
    const bytes = Buffer.from(requirePem(pem, "CERTIFICATE REQUEST"));
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    expect(() => parseSigningRequest(encodePem({ label: "CERTIFICATE REQUEST", bytes }))).toThrow();
  });

  it.skipIf(!hasOpenssl)("pass openssl's check, and openssl's pass ours", () => {
    const path = file("n1.csr", pem);
    const text = openssl("req", "-in", path, "-noout", "-verify", "-text");
    expect(text).toContain("IP Address:10.0.0.2");
    const keyFile = file("n2.key", privateKeyPem(generateKeyPair("rsa-2048").privateKey));
    const theirs = openssl("req", "-new", "-key", keyFile, "-subj", "/O=system:nodes/CN=n2");
    expect(parseSigningRequest(theirs).subject.commonName).toBe("n2");
  });

  for (const [title, key, digest] of [
    ["SHA-512", ["-newkey", "rsa:2048"], "-sha512"],
    ["SHA-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "-sha384"],
    ["Ed25519", ["-newkey", "ed25519"], "-sha256"],
  ] as const) {
    it.skipIf(!hasOpenssl)(`are read whatever they are signed with: ${title}`, () => {
      const names = "subjectAltName=DNS:a,email:a@b.c,URI:http://a,IP:::1";
      const options = [
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=n",
        "-addext",
        names,
        digest,
      ];
      const request = parseSigningRequest(openssl("req", "-new", ...key, ...options));
      expect(request.names).toEqual(["a", "::1"]);
      expect(request.otherNames).toEqual(["email", "URI"]);
    });
  }
});
